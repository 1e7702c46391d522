// The readers of a chaos run: clients in Node, each bound to its own set of carriers, and the record
// of each. Owns their life; what trouble they meet is the run's.

import { type Client, createClient } from '@millrace/client';
import { type ProbeChannel, type ProbeKind, probeContracts } from '../e2e/probe/contract.ts';
import { createRecorder, type RecordEntry, type Subscription } from '../e2e/probe/recorder.ts';
import type { SeededRandom } from '../support/seeded-random.ts';

type Carrier = 'websocket' | 'sse' | 'poll';

export interface Reader {
  readonly label: string;
  /** Ids of the channels that it follows. */
  readonly ids: readonly string[];
  /** Undefined for a page: it closes with its browser. */
  readonly client: Client | undefined;
  /** Present entries; a page's must be fetched. */
  entries(): Promise<readonly RecordEntry[]>;
}

/** Of each eight channels; of the first four, one of each kind. */
const kinds: readonly ProbeKind[] = [
  'plain',
  'tallied',
  'paced',
  'short',
  'plain',
  'tallied',
  'plain',
  'short',
];

/** Ids of that many channels; each begins with its kind. */
export function channelIds(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `${kinds[n % kinds.length]}-${n}`);
}

export function kindOf(id: string): ProbeKind {
  return kinds.find((kind) => id.startsWith(`${kind}-`)) ?? 'plain';
}

export function channelOf(id: string): ProbeChannel {
  return probeContracts[kindOf(id)].of({ id });
}

export function subscription(id: string): Subscription {
  return { id, start: 'start', kind: kindOf(id) };
}

/** All of them, most often, then each alone and each pair. */
const carrierSets: readonly (readonly Carrier[] | undefined)[] = [
  undefined,
  ['websocket'],
  undefined,
  ['sse'],
  undefined,
  ['poll'],
  ['websocket', 'sse'],
  ['sse', 'poll'],
  ['websocket', 'poll'],
];

export interface ReaderOptions {
  readonly url: string;
  readonly count: number;
  readonly ids: readonly string[];
  readonly random: SeededRandom;
  /** One in four begins at a drawn moment of the first so many ms, the others at once. */
  readonly lateMs: number;
  /** Of the channels, each reader follows so many of one. Default 0.6. */
  readonly share?: number;
  /** Carriers of each reader in turn. Default: all together most often, each alone, and each pair. */
  readonly carriers?: readonly (readonly Carrier[] | undefined)[];
}

export function openReaders(options: ReaderOptions): readonly Reader[] {
  const { url, count, ids, random, lateMs, share = 0.6, carriers = carrierSets } = options;
  return Array.from({ length: count }, (_, n) => {
    const transports = carriers[n % carriers.length];
    const followed = ids.filter(() => random.next() < share);
    const afterMs = random.next() < 0.25 ? random.between(0, lateMs) : 0;
    return openReader({
      label: `reader ${n} (${transports?.join(' ') ?? 'all carriers'}, after ${afterMs} ms)`,
      url,
      transports,
      ids: followed.length > 0 ? followed : [random.pick(ids)],
      afterMs,
    });
  });
}

function openReader(options: {
  readonly label: string;
  readonly url: string;
  readonly transports: readonly Carrier[] | undefined;
  readonly ids: readonly string[];
  readonly afterMs: number;
}): Reader {
  const { label, url, transports, ids, afterMs } = options;
  const recorder = createRecorder();
  const client = createClient({
    url,
    beatMs: 2_000,
    ...(transports === undefined ? {} : { transports }),
    onError: ({ code, message }) =>
      recorder.entries.push({ kind: 'error', atMs: recorder.now(), code, message }),
  });
  recorder.watch(client);
  const follow = (): void => {
    for (const id of ids) recorder.follow(client, subscription(id));
  };
  if (afterMs === 0) follow();
  else setTimeout(follow, afterMs).unref();
  return { label, ids, client, entries: async () => recorder.entries };
}
