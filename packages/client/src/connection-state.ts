// The connection in five words, for code that wants a word and not a story.

import type { ConnectionStatus } from './status.ts';

export const ConnectionState = {
  DISCONNECTED: 'disconnected',
  CONNECTING: 'connecting',
  CONNECTED: 'connected',
  RECONNECTING: 'reconnecting',
  ERROR: 'error',
} as const;

export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

export function connectionState(status: ConnectionStatus): ConnectionState {
  switch (status.status) {
    case 'idle':
      return ConnectionState.DISCONNECTED;
    case 'connecting':
      return status.error === null ? ConnectionState.CONNECTING : ConnectionState.RECONNECTING;
    case 'open':
      return ConnectionState.CONNECTED;
    case 'closed':
      return status.error === null ? ConnectionState.DISCONNECTED : ConnectionState.ERROR;
  }
}
