// The readers of a chaos run: clients in Node, each bound to its own set of carriers, and the record
// of each. Owns their life; what trouble they meet is the run's.

import { type Client, createClient } from '@millrace/client';
import { probes, shortProbes } from '../e2e/probe/contract.ts';
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

/** Channels whose id begins so keep five events only: whoever comes back late must be told of a gap. */
const SHORT = 'short-';

export function isShort(id: string): boolean {
  return id.startsWith(SHORT);
}

/** Ids of that many channels, one in four of them short. */
export function channelIds(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => (n % 4 === 3 ? `${SHORT}c${n}` : `c${n}`));
}

export function channelName(id: string): string {
  return (isShort(id) ? shortProbes : probes).of({ id }).name;
}

export function subscription(id: string): Subscription {
  return { id, start: 'start', isShort: isShort(id) };
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
}

export function openReaders({ url, count, ids, random }: ReaderOptions): readonly Reader[] {
  return Array.from({ length: count }, (_, n) => {
    const transports = carrierSets[n % carrierSets.length];
    const followed = ids.filter(() => random.next() < 0.6);
    return openReader({
      label: `reader ${n} (${transports?.join(' ') ?? 'all carriers'})`,
      url,
      transports,
      ids: followed.length > 0 ? followed : ids.slice(0, 1),
    });
  });
}

function openReader(options: {
  readonly label: string;
  readonly url: string;
  readonly transports: readonly Carrier[] | undefined;
  readonly ids: readonly string[];
}): Reader {
  const { label, url, transports, ids } = options;
  const recorder = createRecorder();
  const client = createClient({
    url,
    beatMs: 2_000,
    ...(transports === undefined ? {} : { transports }),
    onError: ({ code, message }) =>
      recorder.entries.push({ kind: 'error', atMs: recorder.now(), code, message }),
  });
  recorder.watch(client);
  for (const id of ids) recorder.follow(client, subscription(id));
  return { label, ids, client, entries: async () => recorder.entries };
}
