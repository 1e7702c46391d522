import { createClient } from '@millrace/client';
import { createFakeLink } from '@millrace/client/testing';
import { cleanup, renderHook, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { MillraceProvider } from './provider.ts';
import { useConnection } from './use-connection.ts';

afterEach(cleanup);

describe('useConnection', () => {
  it('follows the client from idle to open to closed, with stable results', async () => {
    const link = createFakeLink({ isAutomatic: false });
    const client = createClient(link.options);
    const { result, rerender } = renderHook(() => useConnection(), {
      wrapper: ({ children }) => <MillraceProvider client={client}>{children}</MillraceProvider>,
    });
    expect(result.current.status).toBe('idle');
    client.connect();
    await waitFor(() => expect(result.current.status).toBe('connecting'));
    await waitFor(() => expect(link.sent).toHaveLength(1));
    link.accept();
    await waitFor(() => expect(result.current.status).toBe('open'));
    expect(result.current).toMatchObject({ transport: 'websocket', isRealtime: true });

    const before = result.current;
    rerender();
    expect(result.current).toBe(before);
    await client.close();
    await waitFor(() => expect(result.current.status).toBe('closed'));
  });
});
