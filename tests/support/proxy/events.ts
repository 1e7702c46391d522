// The proxy's diary: what happened to which connection, for assertions and failure messages, and
// the counts that follow from it. Bounded; never on the byte path except for two counters.

import type { CutHow, FaultMode, RequestClass } from './rules.ts';

export type ProxyHappening =
  | { readonly type: 'open' }
  | {
      readonly type: 'request';
      readonly class: RequestClass;
      readonly method: string;
      readonly url: string;
      readonly mode: FaultMode;
    }
  | { readonly type: 'response'; readonly class: RequestClass; readonly status: number }
  | { readonly type: 'target-off' }
  /** The target did not accept, or reset the connection; the client gets a reset too. */
  | { readonly type: 'target-broke'; readonly reason: string }
  | { readonly type: 'imposed'; readonly mode: FaultMode }
  | { readonly type: 'freeze' }
  | { readonly type: 'unfreeze' }
  /** By a rule or by `cut`; a close by either end is only `close`. */
  | { readonly type: 'cut'; readonly how: CutHow }
  | { readonly type: 'close' };

export type ProxyEvent = ProxyHappening & {
  readonly connection: number;
  /** Milliseconds since the proxy started. */
  readonly atMs: number;
};

export interface ProxyStats {
  readonly connections: number;
  /** A frozen connection counts as open until it is unfrozen, even if its client is gone. */
  readonly openConnections: number;
  readonly requests: Readonly<Record<RequestClass, number>>;
  /** Bytes read from clients and from targets. */
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export interface ProxyDiary {
  readonly log: readonly ProxyEvent[];
  record(connection: number, happening: ProxyHappening): void;
  count(direction: 'up' | 'down', bytes: number): void;
  stats(): ProxyStats;
  subscribe(listener: (event: ProxyEvent) => void): () => void;
}

/** Older events are forgotten in blocks of a tenth; three minutes of chaos stay well below. */
const maxEvents = 50_000;

export function createProxyDiary(): ProxyDiary {
  const startedAt = performance.now();
  const log: ProxyEvent[] = [];
  const listeners = new Set<(event: ProxyEvent) => void>();
  const requests: Record<RequestClass, number> = { websocket: 0, stream: 0, poll: 0, other: 0 };
  const bytes = { up: 0, down: 0 };
  const connections = { opened: 0, closed: 0 };
  return {
    log,
    record(connection, happening) {
      const event = { ...happening, connection, atMs: performance.now() - startedAt };
      if (event.type === 'open') connections.opened += 1;
      if (event.type === 'close') connections.closed += 1;
      if (event.type === 'request') requests[event.class] += 1;
      log.push(event);
      if (log.length > maxEvents) log.splice(0, maxEvents / 10);
      for (const listener of listeners) listener(event);
    },
    count(direction, count) {
      bytes[direction] += count;
    },
    stats: () => ({
      connections: connections.opened,
      openConnections: connections.opened - connections.closed,
      requests: { ...requests },
      bytesUp: bytes.up,
      bytesDown: bytes.down,
    }),
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
