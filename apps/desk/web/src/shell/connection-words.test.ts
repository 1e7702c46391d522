// What the person is told about the connection.

import { MillraceError } from '@millrace/protocol';
import { describe, expect, it } from 'vitest';
import { connectionWords } from './connection-words.ts';

describe('connectionWords', () => {
  it('names the carrier that is really used', () => {
    const open = {
      status: 'open',
      isRealtime: true,
      since: 0,
      latencyMs: 3,
      notice: null,
    } as const;
    expect(connectionWords({ ...open, transport: 'websocket' }).short).toBe('Live · WebSocket');
    expect(connectionWords({ ...open, transport: 'sse' }).short).toBe('Live · SSE');
    expect(connectionWords({ ...open, transport: 'poll', isRealtime: false }).short).toBe(
      'Polling',
    );
  });

  it('tells a first connection from a lost one, with the reason', () => {
    const connecting = { status: 'connecting', nextTryAt: null, isSlow: false } as const;
    expect(connectionWords({ ...connecting, attempt: 0, error: null }).short).toBe('Connecting…');
    const error = new MillraceError('link/lost', 'The connection broke.');
    const words = connectionWords({ ...connecting, attempt: 1, error });
    expect(words).toMatchObject({ short: 'Reconnecting…', long: 'The connection broke.' });
  });
});
