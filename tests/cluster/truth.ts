// What stands where in one channel, as everybody tells it: the publishers' answers, the readers' records and the log at
// the end. Two who tell different things of one place are a problem, whoever is right. Pure. Rules: EVT-1, LOG-1, LOG-5.

import type { Tally } from '../e2e/probe/contract.ts';
import { countTick, emptyTally } from '../e2e/probe/contract.ts';
import type { RecordEntry } from '../e2e/probe/recorder.ts';
import { publisherOf } from './contract.ts';
import type { ChannelLog } from './fleet.ts';
import type { Acknowledged } from './publishers.ts';

export interface Place {
  readonly epoch: string;
  readonly offset: number;
}

export interface Truth {
  /** What is known to stand there. */
  at(place: Place): number | undefined;
  /** In the order in which they were first told. */
  readonly epochs: readonly string[];
  /** The state at that place; `isInherited`: some of it is known of an earlier epoch alone. */
  fold(place: Place): { readonly tally: Tally; readonly isInherited: boolean } | undefined;
  readonly problems: readonly string[];
}

export interface TruthOptions {
  readonly acknowledged: readonly Acknowledged[];
  readonly log: ChannelLog;
  /** The entries of this channel, of each reader. */
  readonly records: readonly (readonly RecordEntry[])[];
}

export function createTruth({ acknowledged, log, records }: TruthOptions): Truth {
  /** By epoch, then by offset. */
  const places = new Map<string, Map<number, number>>();
  const firstToldAt = new Map<string, number>();
  const problems: string[] = [];

  function tell(place: Place, n: number, who: string): void {
    const own = places.get(place.epoch) ?? new Map<number, number>();
    places.set(place.epoch, own);
    const known = own.get(place.offset);
    if (known === undefined) own.set(place.offset, n);
    else if (known !== n) {
      problems.push(`${text(place)} is n=${n} to ${who}, n=${known} to somebody else`);
    }
  }

  function saw(epoch: string, atMs: number): void {
    firstToldAt.set(epoch, Math.min(atMs, firstToldAt.get(epoch) ?? atMs));
  }

  for (const [offset, n] of log.entries) tell({ epoch: log.epoch, offset }, n, 'the log');
  for (const one of acknowledged) {
    tell(one, one.n, 'its publisher');
    saw(one.epoch, one.answeredAtMs);
  }
  for (const entries of records) {
    for (const entry of entries) {
      if (entry.kind === 'event') tell(entry, entry.n, 'a reader');
      if ('epoch' in entry && entry.epoch !== null) saw(entry.epoch, entry.atMs);
    }
  }
  if (!firstToldAt.has(log.epoch)) saw(log.epoch, Number.POSITIVE_INFINITY);
  const epochs = [...firstToldAt].sort(([, a], [, b]) => a - b).map(([epoch]) => epoch);
  const answeredIn = new Map(acknowledged.map(({ n, epoch }) => [n, epoch]));
  for (const [epoch, own] of places) problems.push(...checkOrder(epoch, own, answeredIn));

  const folds = new Map<string, { readonly tally: Tally; readonly isInherited: boolean }[]>();

  /** Of that epoch, or of the nearest one before: what was kept stands where it stood. */
  function find(epoch: string, offset: number): { n: number; isInherited: boolean } | undefined {
    for (let index = epochs.indexOf(epoch); index >= 0; index -= 1) {
      const name = epochs[index] ?? '';
      const n = places.get(name)?.get(offset);
      if (n !== undefined) return { n, isInherited: name !== epoch };
    }
    return undefined;
  }

  return {
    epochs,
    problems: problems.slice(0, 10),
    at: ({ epoch, offset }) => places.get(epoch)?.get(offset),
    fold({ epoch, offset }) {
      const own = folds.get(epoch) ?? [{ tally: emptyTally, isInherited: false }];
      folds.set(epoch, own);
      while (own.length <= offset) {
        const next = find(epoch, own.length);
        const before = own.at(-1);
        if (next === undefined || before === undefined) return undefined;
        own.push({
          tally: countTick(before.tally, next.n),
          isInherited: before.isInherited || next.isInherited,
        });
      }
      return own[offset];
    },
  };
}

/** Within one epoch: nobody's event twice, and each publisher's in its own order. */
function checkOrder(
  epoch: string,
  own: ReadonlyMap<number, number>,
  answeredIn: ReadonlyMap<number, string>,
): readonly string[] {
  const problems: string[] = [];
  const offsets = new Map<number, number>();
  const newest = new Map<number, number>();
  for (const [offset, n] of [...own].sort(([a], [b]) => a - b)) {
    const before = offsets.get(n);
    if (before !== undefined)
      problems.push(`n=${n} stands twice: ${epoch}.${before} and .${offset}`);
    offsets.set(n, offset);
    // A request that was stuck in the network may arrive when the log has forgotten that it was answered.
    if ((answeredIn.get(n) ?? epoch) !== epoch) continue;
    const publisher = publisherOf(n);
    const last = newest.get(publisher);
    if (last !== undefined && before === undefined && n < last) {
      problems.push(`${epoch}.${offset} is n=${n}, after n=${last} of the same publisher`);
    }
    newest.set(publisher, Math.max(n, last ?? n));
  }
  return problems;
}

export function text({ epoch, offset }: Place): string {
  return `${epoch}.${offset}`;
}
