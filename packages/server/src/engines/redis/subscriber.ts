// One connection that listens: subscribes to what is wanted, many names in one command, again after each reconnection,
// and says what is confirmed, since what was published before nobody heard. Rules: LOG-7, REDIS-5.
//
//   wanted ──asked (SUBSCRIBE sent)──▶ confirmed ──connection lost──▶ wanted …
//
// Pings, for a connection that broke without a word says nothing, just as one where nothing happens.

import type { Buffer } from 'node:buffer';
import { connectAgain, type RedisClient } from './client.ts';
import { failureOf, isMoved } from './failure.ts';
import { backoffMs } from './patience.ts';
import { slotOf } from './slot.ts';

/** Names in one command at most: each confirmation makes its listeners look at the log. */
const MAX_NAMES = 500;
/** After a refused SUBSCRIBE, ms: a right that is missing does not come by asking often. */
const REFUSED_RETRY_MS = 2_000;

export interface Subscriber {
  add(name: string): void;
  remove(name: string): void;
  isConfirmed(name: string): boolean;
  names(): readonly string[];
  /** Resolves once what was published before this call has been heard; rejects where the connection is not there. */
  caughtUp(): Promise<void>;
  /** Forgets what was confirmed, and asks for all of it again: the server may have dropped some. */
  askAgain(): void;
  /** Connects anew, unless it did since then (`performance.now()`). */
  reconnect(sinceMs: number): void;
  close(): void;
}

export interface SubscriberOptions {
  /** Its own. */
  readonly client: RedisClient;
  /** SSUBSCRIBE, one command a slot: a cluster takes no others. */
  readonly isSharded: boolean;
  readonly pingEveryMs: number;
  readonly onMessage: (name: Buffer, payload: Buffer) => void;
  /** From now on these are heard. */
  readonly onConfirmed: (names: readonly string[]) => void;
  readonly onRefused: (cause: unknown) => void;
  readonly onLost?: () => void;
  /** A slot is elsewhere: some names are no longer heard here. */
  readonly onMoved?: () => void;
}

export function createSubscriber(options: SubscriberOptions): Subscriber {
  const { client, isSharded } = options;
  const wanted = new Set<string>();
  const asked = new Set<string>();
  const confirmed = new Set<string>();
  /** Of which `asked` may no longer be what is wanted. */
  const changed = new Set<string>();
  /** Another object for each connection; 0 while there is none. */
  let connection = { readyAtMs: 0 };
  let isGathering = false;
  let isClosed = false;

  client.on('error', () => undefined);
  client.on(isSharded ? 'smessageBuffer' : 'messageBuffer', options.onMessage);
  client.on('ready', () => {
    connection = { readyAtMs: performance.now() };
    askAgain();
  });
  client.on('close', () => {
    connection = { readyAtMs: 0 };
    asked.clear();
    confirmed.clear();
    if (!isClosed) options.onLost?.();
  });
  client.on('end', () => {
    setTimeout(() => {
      if (!isClosed) connectAgain(client);
    }, backoffMs(1));
  });
  client.on('moved', () => options.onMoved?.());
  const pinging = setInterval(() => {
    if (connection.readyAtMs > 0) client.ping().catch(() => undefined);
  }, options.pingEveryMs);
  pinging.unref();

  function askAgain(): void {
    confirmed.clear();
    for (const name of wanted) {
      asked.delete(name);
      changed.add(name);
    }
    gather();
  }

  function note(name: string): void {
    changed.add(name);
    gather();
  }

  /** At the end of the tick: a page that opens watches many channels, and a topic that goes may come back. */
  function gather(): void {
    if (isGathering) return;
    isGathering = true;
    setImmediate(() => {
      isGathering = false;
      if (!isClosed && connection.readyAtMs > 0) ask();
    });
  }

  function ask(): void {
    const coming: string[] = [];
    const going: string[] = [];
    for (const name of changed) {
      if (wanted.has(name) === asked.has(name)) continue;
      if (wanted.has(name)) coming.push(name);
      else going.push(name);
    }
    changed.clear();
    for (const names of inCommands(going)) {
      for (const name of names) {
        asked.delete(name);
        confirmed.delete(name);
      }
      const sent = isSharded ? client.sunsubscribe(...names) : client.unsubscribe(...names);
      // Lost with its connection: then it has ended too.
      sent.catch(() => undefined);
    }
    for (const names of inCommands(coming)) void subscribe(names);
  }

  async function subscribe(names: readonly string[]): Promise<void> {
    const within = connection;
    for (const name of names) asked.add(name);
    try {
      await (isSharded ? client.ssubscribe(...names) : client.subscribe(...names));
    } catch (thrown) {
      if (within === connection && !isClosed) onFailed(names, thrown);
      return;
    }
    if (within !== connection || isClosed) return;
    const heard = names.filter((name) => asked.has(name));
    for (const name of heard) confirmed.add(name);
    options.onConfirmed(heard);
  }

  function onFailed(names: readonly string[], thrown: unknown): void {
    for (const name of names) asked.delete(name);
    // That their slot is elsewhere comes as an event.
    if (isMoved(thrown)) return;
    const isRefused = failureOf(thrown) === 'refused';
    if (isRefused) options.onRefused(thrown);
    setTimeout(
      () => {
        for (const name of names) note(name);
      },
      isRefused ? REFUSED_RETRY_MS : backoffMs(1),
    ).unref();
  }

  function inCommands(names: readonly string[]): readonly (readonly string[])[] {
    const groups = isSharded ? [...Map.groupBy(names, slotOf).values()] : [names];
    return groups.flatMap((group) =>
      Array.from({ length: Math.ceil(group.length / MAX_NAMES) }, (_, index) =>
        group.slice(index * MAX_NAMES, (index + 1) * MAX_NAMES),
      ),
    );
  }

  return {
    add(name) {
      wanted.add(name);
      note(name);
    },
    remove(name) {
      if (wanted.delete(name)) note(name);
    },
    isConfirmed: (name) => confirmed.has(name),
    names: () => [...wanted],
    async caughtUp() {
      // Its answer comes behind what is under way.
      await client.ping();
    },
    askAgain,
    reconnect(sinceMs) {
      if (client.status === 'ready' && connection.readyAtMs < sinceMs) client.disconnect(true);
    },
    close() {
      isClosed = true;
      clearInterval(pinging);
      client.disconnect();
    },
  };
}
