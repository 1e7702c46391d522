// Keeping channels to their contract's history: notes what grows, compacts off the hot path, a few channels at a time.
// A channel that nobody has appended to or read since this process started is left alone until somebody does; from
// then on it is over its size by the slack for a sweep at most, and over its age by half of that.
// Rules: LOG-8, LOG-8a, CHAN-7, CHAN-8.

import { type MillraceError, toMillraceError } from '@millrace/protocol';
import type { AnyContract, ContractSet } from './contract-set.ts';
import type { Log, Retention as LogRetention } from './seams/log.ts';
import type { Timers } from './seams/timers.ts';
import type { Topics } from './topics.ts';

/** How often the notes are gone through, ms. */
const SWEEP_MS = 5_000;
/** Channels compacted in one sweep. */
const MAX_PER_SWEEP = 50;
/** Channels that are noted; past it the ones noted first are forgotten, until they grow again. */
const MAX_NOTED = 100_000;

export interface Retention {
  /** `count` events were appended to the channel. */
  grew(channel: string, count: number): void;
  /** A channel was loaded that holds `kept` events: what an earlier process left in it is kept to its history too. */
  found(channel: string, kept: number): void;
  /** Resolves when no compaction is under way; starts none afterwards. */
  stop(): Promise<void>;
}

export interface RetentionOptions {
  readonly log: Log;
  readonly contracts: ContractSet;
  readonly topics: Topics;
  readonly timers: Timers;
  readonly onError: (error: MillraceError) => void;
  /** The clock, ms since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

interface Note {
  readonly contract: AnyContract;
  grown: number;
  /** When its oldest event may be over age: a channel that nobody appends to ages too. */
  dueAt: number;
}

export function createRetention(options: RetentionOptions): Retention {
  const { log, contracts, topics, timers, onError, now: clock = Date.now } = options;
  const notes = new Map<string, Note>();
  let sweeping: Promise<void> | null = null;
  let isStopped = false;
  sweepLater();

  function sweepLater(): void {
    timers.after(SWEEP_MS, () => {
      sweeping ??= sweep().finally(() => {
        sweeping = null;
      });
      sweepLater();
    });
  }

  async function sweep(): Promise<void> {
    const now = clock();
    let left = MAX_PER_SWEEP;
    for (const [channel, note] of notes) {
      const { contract } = note;
      const isGrown = note.grown >= slackOf(contract);
      if (!isGrown && now < note.dueAt) continue;
      if (isStopped || left === 0) return;
      left -= 1;
      const isQuiet = note.grown === 0;
      note.grown = 0;
      note.dueAt = now + contract.history.maxAgeMs;
      // To the end: those that grow all the time must not take every turn of the others.
      notes.delete(channel);
      notes.set(channel, note);
      try {
        await compact(channel, contract);
        // Nothing came for a whole age: nothing is left to grow old.
        if (isQuiet) notes.delete(channel);
      } catch (thrown) {
        onError(toMillraceError(thrown));
      }
    }
  }

  async function compact(channel: string, contract: AnyContract): Promise<void> {
    const { size, maxAgeMs } = contract.history;
    const retention: LogRetention = { size, maxAgeMs };
    if (contract.state === undefined) {
      await log.compact(channel, retention);
    } else {
      // In one step: a hub of another version, or a slower one, may compact it at this moment.
      await topics.withState(channel, contract, (snapshot, epoch) =>
        log.compact(channel, { ...retention, snapshot, epoch, needsSnapshot: true }),
      );
    }
    topics.find(channel)?.refresh();
  }

  return {
    grew(channel, count) {
      const note = notes.get(channel);
      if (note === undefined) noteFirst(channel, count);
      else note.grown += count;
    },
    found(channel, kept) {
      const size = contracts.find(channel)?.contract.history.size ?? 0;
      // Only what holds something: readers of names that nobody uses must not push the others out.
      if (kept > 0 && !notes.has(channel)) noteFirst(channel, Math.max(0, kept - size));
    },
    async stop() {
      isStopped = true;
      await sweeping;
    },
  };

  function noteFirst(channel: string, grown: number): void {
    const contract = contracts.find(channel)?.contract;
    if (contract === undefined) return;
    // What it held before is unknown: half an age is soon enough and not at once.
    notes.set(channel, { contract, grown, dueAt: clock() + contract.history.maxAgeMs / 2 });
    if (notes.size > MAX_NOTED) forgetFirst();
  }

  function forgetFirst(): void {
    const first = notes.keys().next();
    if (first.done !== true) notes.delete(first.value);
  }
}

/** How far a channel may be over its history before it is worth a compaction. */
function slackOf({ history }: AnyContract): number {
  return Math.max(16, Math.ceil(history.size / 4));
}
