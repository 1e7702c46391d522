import { describe, expect, it } from 'vitest';
import { connectionLabel } from './connection-label.ts';

describe('connection label', () => {
  it.each([
    ['live', 'websocket', 'Real-time (WebSocket)', 'live'],
    ['live', 'sse', 'Real-time (SSE)', 'live'],
    ['live', 'poll', 'Polling (fallback)', 'polling'],
    ['polling', 'interval', 'Polling (fallback)', 'polling'],
    ['connecting', null, 'Connecting…', 'busy'],
    ['reconnecting', null, 'Reconnecting…', 'busy'],
    ['offline', null, 'Offline', 'off'],
    ['idle', null, 'Idle', 'off'],
  ] as const)('of %s over %s is "%s"', (status, transport, text, tone) => {
    expect(connectionLabel({ status, transport })).toEqual({ text, tone });
  });
});
