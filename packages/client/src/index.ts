// Public entry of @millrace/client: the connection to a hub, for browsers and Node.

export type { SubscribeOptions } from './channel-codec.ts';
export { type Client, type ClientOptions, createClient } from './client.ts';
export { ConnectionState, connectionState } from './connection-state.ts';
export type { Environment, PageChange } from './environment.ts';
export type { ConnectionStatus, StatusStore } from './status.ts';
export type { TokenOption } from './token.ts';
export type { Carrier, Socket, TransportHost } from './transports/transport.ts';
