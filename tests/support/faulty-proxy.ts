// A faulty network between a client and a server: a TCP proxy that knows just enough HTTP/1.1 to
// apply a fault per request, and can freeze, cut or reshape connections that are already open.
// Owns the listener and the rules; proxy/ holds the parts. No TLS, no HTTP/2, no real SYN drop:
// the kernel always accepts.

import { createServer, type Socket } from 'node:net';
import {
  type ConnectionInfo,
  createProxiedConnection,
  type ProxiedConnection,
} from './proxy/connection.ts';
import { createProxyDiary, type ProxyEvent, type ProxyStats } from './proxy/events.ts';
import type { Head } from './proxy/http-reader.ts';
import {
  type ClassPaths,
  type CutHow,
  classify,
  type Fault,
  type RequestClass,
  type Rules,
  type SeenRequest,
  type StreamFault,
} from './proxy/rules.ts';
import type { Target } from './proxy/upstream.ts';
import { createSeededRandom } from './seeded-random.ts';

export interface FaultyProxyOptions {
  /** Of several, each request goes to one drawn by the seed: nothing sticks. */
  readonly target: Target | readonly Target[];
  /** Port to listen on at 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** For rules that draw. Default 1. */
  readonly seed?: number;
  readonly rules?: Rules;
  /**
   * Tell streams and polls by path and query too. Default: a last path word `stream`, `sse` or
   * `events` is a stream, one of `poll` is a poll.
   */
  readonly paths?: ClassPaths;
}

/** Which open connections are meant; a class means: whose newest request is of it. */
export type Selection = 'all' | RequestClass | ((connection: ConnectionInfo) => boolean);

export interface FaultyProxy extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string;
  /** Replaces all rules. Requests that have begun keep theirs: see `impose`. */
  setRules(rules: Rules): void;
  /** `null` = server gone: new requests are reset. Open connections stay until one end closes. */
  setTarget(target: Target | readonly Target[] | null): void;
  /** Half-open: no byte, no FIN, either way, on these connections. Returns how many are meant. */
  freeze(which: Selection): number;
  /** Lets everything go that waited, closes included. */
  unfreeze(which: Selection): number;
  /** Ends both sides at once; what had not left is lost. */
  cut(which: Selection, options: { readonly how: CutHow }): number;
  cutAll(options: { readonly how: CutHow }): number;
  /** Puts running responses under another fault, from the next byte on. Returns how many took it. */
  impose(which: Selection, fault: StreamFault): number;
  /** The open connections. */
  connections(): ConnectionInfo[];
  readonly stats: ProxyStats;
  readonly log: readonly ProxyEvent[];
  subscribe(listener: (event: ProxyEvent) => void): () => void;
  /** Ends every connection and stops listening. Idempotent. */
  close(): Promise<void>;
}

const defaultPaths: ClassPaths = {
  stream: /\/(stream|sse|events)(\?|$)/,
  poll: /\/poll(\?|$)/,
};

export async function createFaultyProxy(options: FaultyProxyOptions): Promise<FaultyProxy> {
  const diary = createProxyDiary();
  const random = createSeededRandom(options.seed ?? 1);
  const paths = { ...defaultPaths, ...options.paths };
  const open = new Map<number, ProxiedConnection>();
  let rules = options.rules ?? {};
  const draws = createSeededRandom(options.seed ?? 1);
  let targets = listOf(options.target);

  function decide(connection: number, head: Head): { request: SeenRequest; fault: Fault } {
    const kind = classify(head, paths);
    const request = {
      connection,
      ordinal: diary.stats().requests[kind] + 1,
      class: kind,
      method: head.start[0] ?? '',
      url: head.start[1] ?? '',
      headers: head.headers,
    };
    const rule = rules[kind] ?? { mode: 'pass' };
    return { request, fault: typeof rule === 'function' ? rule(request, random.next) : rule };
  }

  function accept(client: Socket): void {
    const id = diary.stats().connections + 1;
    const draw = draws.fork(id);
    diary.record(id, { type: 'open' });
    const connection = createProxiedConnection({
      id,
      client,
      startsDeaf: rules.connection === 'refuse' || rules.connection === 'blackhole',
      surroundings: {
        target: () => (targets.length > 1 ? draw.pick(targets) : targets[0]),
        decide: (head) => decide(id, head),
        count: diary.count,
        record(happening) {
          if (happening.type === 'close') open.delete(id);
          diary.record(id, happening);
        },
      },
    });
    open.set(id, connection);
    if (rules.connection === 'refuse' || targets.length === 0) connection.cut('rst');
  }

  function forEach(which: Selection, act: (connection: ProxiedConnection) => boolean): number {
    const chosen = [...open.values()].filter((each) => isSelected(which, each.info()));
    return chosen.filter(act).length;
  }

  function cut(which: Selection, { how }: { readonly how: CutHow }): number {
    return forEach(which, (each) => {
      each.cut(how);
      return true;
    });
  }

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, accept);
  const listening = Promise.withResolvers<void>();
  listener.once('error', listening.reject);
  listener.listen(options.port ?? 0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');

  let closing: Promise<void> | undefined;
  function close(): Promise<void> {
    closing ??= new Promise((resolve) => {
      listener.close(() => resolve());
      for (const connection of open.values()) connection.destroy();
    });
    return closing;
  }

  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    setRules(next) {
      rules = next;
    },
    setTarget(next) {
      targets = next === null ? [] : listOf(next);
    },
    freeze: (which) =>
      forEach(which, (each) => {
        each.freeze();
        return true;
      }),
    unfreeze: (which) =>
      forEach(which, (each) => {
        each.unfreeze();
        return true;
      }),
    cut,
    cutAll: (how) => cut('all', how),
    impose: (which, fault) => forEach(which, (each) => each.impose(fault)),
    connections: () => [...open.values()].map((each) => each.info()),
    get stats() {
      return diary.stats();
    },
    log: diary.log,
    subscribe: diary.subscribe,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listOf(target: Target | readonly Target[]): readonly Target[] {
  return 'host' in target ? [target] : target;
}

function isSelected(which: Selection, connection: ConnectionInfo): boolean {
  if (which === 'all') return true;
  return typeof which === 'function' ? which(connection) : connection.class === which;
}
