import { cleanup, renderHook, waitFor } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { useJson } from './use-json.ts';

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const LOADED = { is: 'loaded', value: { figure: 7 } };

it('keeps what it has loaded while the server cannot be reached, and lets go of what is gone for good', async () => {
  const answers = vi.fn<() => Promise<Response>>();
  vi.stubGlobal('fetch', answers);
  answers.mockImplementation(() => Promise.resolve(Response.json({ figure: 7 })));
  const { result } = renderHook(() => useJson('/api/models'));
  await waitFor(() => expect(result.current[0]).toEqual(LOADED));

  answers.mockImplementation(() => Promise.reject(new TypeError('Failed to fetch')));
  result.current[1]();
  await waitFor(() => expect(answers).toHaveBeenCalledTimes(2));
  await Promise.resolve();
  expect(result.current[0]).toEqual(LOADED);

  const gone = { code: 'request/not-found', message: 'There is no such model.', retryable: false };
  answers.mockImplementation(() =>
    Promise.resolve(Response.json({ error: gone }, { status: 404 })),
  );
  result.current[1]();
  await waitFor(() =>
    expect(result.current[0]).toEqual({ is: 'failed', message: 'There is no such model.' }),
  );
});
