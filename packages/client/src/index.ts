// Public entry of @millrace/client: the connection to a hub, for browsers and Node.

export type { SubscribeOptions } from './channel-codec.ts';
export { createClient } from './client.ts';
export type { Client, ClientOptions } from './client-types.ts';
export { ConnectionState, connectionState } from './connection-state.ts';
export type { Environment, PageChange } from './environment.ts';
export { createSSEClient, type SSEClient } from './sse-client/sse-client.ts';
export { parseSSEMessage, type SSEMessage } from './sse-client/sse-message.ts';
export type { SSEClientOptions, SSEEnvironment, SSEHeaders } from './sse-client/sse-options.ts';
export type { ConnectionStatus, StatusStore } from './status.ts';
export type { TokenOption } from './token.ts';
export type { Carrier, Socket, TransportHost } from './transports/transport.ts';
