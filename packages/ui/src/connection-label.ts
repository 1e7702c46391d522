// Words and tone for how messages arrive. The label names the real carrier, never a hoped-for one.

import type { AgentMessagesStatus, AgentMessagesTransport } from '@millrace/react/chat';

/** What the dot looks like: each tone has its own shape besides its colour. */
export type ConnectionTone = 'live' | 'polling' | 'busy' | 'off';

export interface ConnectionLabel {
  readonly text: string;
  readonly tone: ConnectionTone;
}

const CARRIERS: Readonly<Record<AgentMessagesTransport, ConnectionLabel>> = {
  websocket: { text: 'Real-time (WebSocket)', tone: 'live' },
  sse: { text: 'Real-time (SSE)', tone: 'live' },
  poll: { text: 'Polling (fallback)', tone: 'polling' },
  interval: { text: 'Polling (fallback)', tone: 'polling' },
};

const WITHOUT_CARRIER: Readonly<Record<AgentMessagesStatus, ConnectionLabel>> = {
  idle: { text: 'Idle', tone: 'off' },
  connecting: { text: 'Connecting…', tone: 'busy' },
  live: { text: 'Connecting…', tone: 'busy' },
  polling: { text: 'Polling (fallback)', tone: 'polling' },
  reconnecting: { text: 'Reconnecting…', tone: 'busy' },
  offline: { text: 'Offline', tone: 'off' },
};

export function connectionLabel(connection: {
  readonly status: AgentMessagesStatus;
  readonly transport: AgentMessagesTransport | null;
}): ConnectionLabel {
  const { status, transport } = connection;
  return transport === null ? WITHOUT_CARRIER[status] : CARRIERS[transport];
}
