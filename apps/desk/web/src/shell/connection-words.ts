// What the connection's status is called on the screen. One exhaustive switch, no guess.

import type { ConnectionStatus } from '@millrace/client';

export interface ConnectionWords {
  readonly tone: 'good' | 'fair' | 'bad' | 'quiet';
  readonly short: string;
  readonly long: string;
  readonly canRetry: boolean;
}

const CARRIERS = { websocket: 'WebSocket', sse: 'SSE', poll: 'polling' } as const;

export function connectionWords(status: ConnectionStatus): ConnectionWords {
  switch (status.status) {
    case 'idle':
      return {
        tone: 'quiet',
        short: 'Not connected',
        long: 'Nothing is being followed.',
        canRetry: false,
      };
    case 'connecting':
      return connecting(status);
    case 'open':
      return {
        tone: status.isRealtime ? 'good' : 'fair',
        short: status.isRealtime ? `Live · ${CARRIERS[status.transport]}` : 'Polling',
        long:
          status.notice ??
          (status.isRealtime
            ? 'Everything arrives as it happens.'
            : 'Streams do not get through here, so the page asks again and again.'),
        canRetry: !status.isRealtime,
      };
    case 'closed':
      return {
        tone: 'bad',
        short: 'Disconnected',
        long: status.error?.message ?? 'The connection was closed.',
        canRetry: true,
      };
  }
}

function connecting(status: Extract<ConnectionStatus, { status: 'connecting' }>): ConnectionWords {
  const isFirst = status.attempt === 0 && status.error === null;
  return {
    tone: isFirst && !status.isSlow ? 'quiet' : 'fair',
    short: isFirst ? 'Connecting…' : 'Reconnecting…',
    long:
      status.error?.message ??
      (status.isSlow ? 'This takes longer than usual.' : 'Opening the connection.'),
    canRetry: true,
  };
}
