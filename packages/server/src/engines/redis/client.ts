// What the engine asks of ioredis, in interfaces of our own: the package is the user's, and no dependency of ours.
// Refuses to own: connecting, the protocol, where a slot lives.

import type { Buffer } from 'node:buffer';

/** One server, or the master that Sentinel names: ioredis `Redis`. */
export interface RedisClient {
  readonly isCluster: boolean;
  readonly status: string;
  readonly options: { readonly host?: string | undefined; readonly port?: number | undefined };
  duplicate(override?: object): RedisClient;
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
  on(event: 'ready' | 'close' | 'end' | 'moved', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(
    event: 'messageBuffer' | 'smessageBuffer',
    listener: (name: Buffer, payload: Buffer) => void,
  ): unknown;
  evalsha(sha: string, keyCount: number, ...args: unknown[]): Promise<unknown>;
  eval(source: string, keyCount: number, ...args: unknown[]): Promise<unknown>;
  publish(channel: string, text: string): Promise<unknown>;
  ping(): Promise<unknown>;
  subscribe(...channels: string[]): Promise<unknown>;
  unsubscribe(...channels: string[]): Promise<unknown>;
  ssubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
}

/** ioredis `Cluster`. */
export interface RedisClusterClient {
  readonly isCluster: boolean;
  readonly status: string;
  /** For each slot the addresses, `host:port`, of its master and replicas. */
  readonly slots: readonly (readonly string[] | undefined)[];
  nodes(role?: 'all'): readonly RedisClient[];
  refreshSlotsCache(done?: (error?: Error | null) => void): void;
  duplicate(startupNodes?: [], override?: object): RedisClusterClient;
  disconnect(reconnect?: boolean): void;
  on(event: 'ready' | 'refresh', listener: () => void): unknown;
  on(event: '+node', listener: (node: RedisClient) => void): unknown;
  on(event: 'error' | 'node error', listener: (error: Error) => void): unknown;
  evalsha(sha: string, keyCount: number, ...args: unknown[]): Promise<unknown>;
  eval(source: string, keyCount: number, ...args: unknown[]): Promise<unknown>;
  spublish(channel: string, text: string): Promise<unknown>;
}

export function isClusterClient(
  client: RedisClient | RedisClusterClient,
): client is RedisClusterClient {
  return client.isCluster;
}

/** How a cluster's map of slots names a node. */
export function addressOf({ options }: RedisClient): string {
  return `${options.host}:${options.port}`;
}

/** Where it has given up for good. */
export function connectAgain(client: RedisClient): void {
  if (client.status !== 'end') return;
  // Its failure comes as an event.
  client.connect().catch(() => undefined);
}
