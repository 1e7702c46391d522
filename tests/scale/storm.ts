// A reconnect storm on a manual clock: the client's own connection machine and the server's own admission, many times,
// with a simple model of what is between them. Says how long it takes until everybody is back, and what the nodes that
// are left have to bear. Deterministic by its seed.
//
// The model: a network of fixed delay for each client; a node serves what it lets in one after the other, each for the
// same time (as measured by `npm run bench -- resume-storm`), and is late by what waits. It tells nothing about kernels,
// load balancers or TLS.

import {
  type Connection,
  type ConnectionConfig,
  initialConnection,
  linksOf,
  stepConnection,
  type TimerName,
  timersOf,
} from '@millrace/client/testing';
import { DEFAULT_LIMITS, MillraceError } from '@millrace/protocol';
import { type Admission, createAdmission } from '@millrace/server/testing/admission';
import { createSeededRandom } from '../support/seeded-random.ts';
import { createEventQueue } from './event-queue.ts';

export interface StormOptions {
  readonly seed: number;
  readonly clients: number;
  readonly nodes: number;
  /** Nodes that end at the beginning. All of them: they are there again after `restartMs`. */
  readonly killed: number;
  readonly restartMs: number;
  /** A process that ends is noticed at once; a machine or a cable when the beats stay away. */
  readonly noticed: 'at-once' | 'by-beat';
  /** CPU of one connect that is let in, ms: token, hello, channels, what was missed. */
  readonly connectCpuMs: number;
  /** Between a client and any node, both ways, ms: evenly drawn. */
  readonly roundTripMs: readonly [number, number];
}

export interface StormReport {
  readonly dropped: number;
  /** From the end of the nodes until so many of those who were dropped are back, ms. */
  readonly backMs: { readonly half: number; readonly most: number; readonly all: number };
  /** Links that were begun for each of them. */
  readonly triesEach: number;
  readonly refused: number;
  /** Of one node, within a second. */
  readonly peakConnectsPerSecond: number;
  /** The longest that somebody waited on a node for its turn, ms: as late as its event loop was. */
  readonly maxLateMs: number;
}

interface Client {
  connection: Connection;
  readonly roundTripMs: number;
  /** Of timers that have been set: one that is no longer wanted is skipped when it comes. */
  readonly timers: Map<TimerName, number>;
  /** The highest link that was begun. */
  begun: number;
  backAt: number | null;
  isBack: boolean;
}

interface Node {
  readonly admission: Admission;
  isUp: boolean;
  busyUntil: number;
  readonly connects: Map<number, number>;
}

type Happening =
  | { readonly type: 'lost'; readonly client: Client }
  | { readonly type: 'timer'; readonly client: Client; readonly timer: TimerName }
  | { readonly type: 'arrives' | 'hello'; readonly client: Client; readonly link: number }
  | {
      readonly type: 'fails';
      readonly client: Client;
      readonly link: number;
      readonly error: MillraceError;
    }
  | { readonly type: 'restart' };

const CONFIG: ConnectionConfig = {
  carriers: ['websocket', 'sse', 'poll'],
  canReauthenticate: true,
};
/** The clock's beginning, ms since 1970: some moment. */
const EPOCH = 1_800_000_000_000;
/** A WebSocket's beat, and what is added to it before a link counts as dead, ms. */
const BEAT_MS = 20_000;
const GRACE_MS = 6_000;
/** TCP, TLS and the upgrade, in round trips, until the `connect` is there. */
const HANDSHAKE_TRIPS = 2.5;

export function simulateStorm(options: StormOptions): StormReport {
  const random = createSeededRandom(options.seed);
  const queue = createEventQueue<Happening>();
  let now = EPOCH;
  let tries = 0;
  let refused = 0;
  let maxLateMs = 0;
  const nodes = Array.from({ length: options.nodes }, (_, index) => createNode(index));
  const [leastMs, mostMs] = options.roundTripMs;
  const dropped: Client[] = [];

  function createNode(index: number): Node {
    const node: Node = {
      isUp: index >= options.killed,
      busyUntil: 0,
      connects: new Map(),
      admission: createAdmission({
        limits: DEFAULT_LIMITS,
        loop: {
          get lateMs() {
            return Math.max(0, node.busyUntil - now);
          },
        },
        onRefused: () => {
          refused += 1;
        },
        now: () => now,
        random: () => random.next(),
      }),
    };
    return node;
  }

  function step(client: Client, event: Parameters<typeof stepConnection>[1]): void {
    const moment = { now, jitter: random.next(), roundTripMs: client.roundTripMs };
    client.connection = stepConnection(client.connection, event, moment, CONFIG).connection;
    settle(client);
  }

  /** Begins the links and sets the timers that the machine's state asks for, as a client's shell does. */
  function settle(client: Client): void {
    const { state } = client.connection;
    for (const { number } of linksOf(state)) {
      if (number <= client.begun) continue;
      client.begun = number;
      tries += 1;
      const tripMs = client.roundTripMs * HANDSHAKE_TRIPS;
      queue.add(now + tripMs, { type: 'arrives', client, link: number });
    }
    const wanted = new Map(timersOf(client.connection).map(({ timer, at }) => [timer, at]));
    for (const name of client.timers.keys()) {
      if (!wanted.has(name)) client.timers.delete(name);
    }
    for (const [timer, at] of wanted) {
      if (client.timers.get(timer) === at) continue;
      client.timers.set(timer, at);
      queue.add(Math.max(at, now), { type: 'timer', client, timer });
    }
    if (state.name === 'open' && !client.isBack) {
      client.isBack = true;
      client.backAt = now;
    }
  }

  function arrive(client: Client, link: number): void {
    const halfMs = client.roundTripMs / 2;
    const up = nodes.filter(({ isUp }) => isUp);
    const fail = (error: MillraceError): void =>
      queue.add(now + halfMs, { type: 'fails', client, link, error });
    if (up.length === 0) {
      fail(new MillraceError('link/refused', 'Nobody is there.'));
      return;
    }
    const node = random.pick(up);
    try {
      node.admission.enter('new');
    } catch (error) {
      fail(error instanceof MillraceError ? error : new MillraceError('server/internal', ''));
      return;
    }
    const second = Math.floor((now - EPOCH) / 1_000);
    node.connects.set(second, (node.connects.get(second) ?? 0) + 1);
    maxLateMs = Math.max(maxLateMs, node.busyUntil - now);
    node.busyUntil = Math.max(now, node.busyUntil) + options.connectCpuMs;
    queue.add(node.busyUntil + halfMs, { type: 'hello', client, link });
  }

  function happen(one: Happening): void {
    switch (one.type) {
      case 'restart':
        for (const node of nodes) node.isUp = true;
        return;
      case 'lost': {
        const { state } = one.client.connection;
        if (state.name !== 'open') return;
        const error = new MillraceError('link/lost', 'The node has gone.');
        step(one.client, { type: 'failed', link: state.link.number, error });
        return;
      }
      case 'timer': {
        const { client, timer } = one;
        const wantedAt = client.timers.get(timer);
        if (wantedAt === undefined || wantedAt > now) return;
        client.timers.delete(timer);
        step(client, { type: 'due', timer });
        return;
      }
      case 'arrives':
        if (linksOf(one.client.connection.state).some(({ number }) => number === one.link)) {
          arrive(one.client, one.link);
        }
        return;
      case 'hello':
        step(one.client, { type: 'hello', link: one.link, tookMs: one.client.roundTripMs * 4 });
        return;
      case 'fails':
        step(one.client, { type: 'failed', link: one.link, error: one.error });
        return;
    }
  }

  // Everybody has been there for a minute, spread evenly; those of the killed nodes are dropped.
  const share = options.killed / options.nodes;
  for (let index = 0; index < Math.round(options.clients * share); index += 1) {
    const client = openClient(leastMs + random.next() * (mostMs - leastMs));
    dropped.push(client);
    const noticedMs =
      options.noticed === 'at-once' ? client.roundTripMs / 2 : GRACE_MS + random.next() * BEAT_MS;
    queue.add(EPOCH + noticedMs, { type: 'lost', client });
  }
  if (options.killed === options.nodes) queue.add(EPOCH + options.restartMs, { type: 'restart' });

  let waiting = dropped.length;
  while (waiting > 0) {
    const next = queue.take();
    if (next === undefined) throw new Error(`${waiting} clients will never be back`);
    now = next.at;
    const client = 'client' in next.event ? next.event.client : null;
    const wasBack = client?.backAt !== null;
    happen(next.event);
    if (client !== null && !wasBack && client.backAt !== null) waiting -= 1;
  }

  const times = dropped.map(({ backAt }) => (backAt ?? 0) - EPOCH).sort((a, b) => a - b);
  const at = (part: number): number => Math.round(times[Math.ceil(times.length * part) - 1] ?? 0);
  return {
    dropped: dropped.length,
    backMs: { half: at(0.5), most: at(0.99), all: at(1) },
    triesEach: Number((tries / Math.max(1, dropped.length)).toFixed(2)),
    refused,
    peakConnectsPerSecond: Math.max(0, ...nodes.flatMap(({ connects }) => [...connects.values()])),
    maxLateMs: Math.round(maxLateMs),
  };
}

/** One whose link has stood for a minute. */
function openClient(roundTripMs: number): Client {
  const jitter = 0.5;
  const at = EPOCH - 60_000;
  const moment = { now: at, jitter, roundTripMs };
  const begun = stepConnection(initialConnection(), { type: 'start' }, moment, CONFIG).connection;
  const [link] = linksOf(begun.state);
  if (link === undefined) throw new Error('a client that starts begins a link');
  const hello = { type: 'hello', link: link.number, tookMs: roundTripMs * 4 } as const;
  const { connection } = stepConnection(begun, hello, moment, CONFIG);
  return {
    connection,
    roundTripMs,
    timers: new Map(),
    begun: link.number,
    backAt: null,
    // Until it is lost; see `settle`.
    isBack: false,
  };
}
