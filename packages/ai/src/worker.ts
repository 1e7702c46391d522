// This node's share of the work: begins what is accepted here, claims what nobody has, beats for what it owns, aborts what
// is to be stopped, gives back what it has when it closes. Refuses to own: one run's life (owner.ts), starts and stops
// (runs.ts). Rules: RUN-7, RUN-8.
//
//   look: beat for what is owned ─ hear what others spent ─ claim what there is room for       one look at a time

import { randomUUID } from 'node:crypto';
import { type MillraceError, toMillraceError } from '@millrace/protocol';
import type { SqlTransaction } from '@millrace/server/postgres';
import { publishStarts, type Taken } from './acceptance.ts';
import { BEAT_MS } from './limits.ts';
import { type Halt, type OwnerOptions, ownRun, type Work } from './owner.ts';
import { readSpending } from './store/run-budget.ts';
import type { KeptRun, RunRow } from './store/run-row.ts';
import { beatRuns, claimRuns, giveBackRuns } from './store/run-store.ts';
import { createTicks } from './ticks.ts';

export type WorkerOptions = Omit<OwnerOptions, 'owner' | 'spentByOthers' | 'ticks'> & {
  onError(error: MillraceError): void;
};

export interface Worker {
  /**
   * What is accepted meanwhile is this node's from its first row on, where there is room: `owner` is null where there is
   * none. Nobody has to be told of it then, and nothing to be claimed.
   */
  admit(accept: (owner: string | null) => Promise<Taken>): Promise<Taken>;
  /** For what nobody has, and after what is owned. */
  look(): Promise<void>;
  /** Somebody has asked for it, and the row says so. */
  stop(runId: string, by: string): void;
  /** Gives up what it has: others take it over at once. */
  close(): Promise<void>;
}

interface Owned {
  readonly fence: number;
  /** Tokens that the user's other runs took, as of the last look. */
  spentByOthers: number;
  readonly halt: AbortController;
  readonly work: Work;
}

export function createWorker(options: WorkerOptions): Worker {
  const { hub, database, limits, onError } = options;
  const owner = randomUUID();
  const ticks = createTicks(limits.windowMs);
  const owned = new Map<string, Owned>();
  /** Runs that are being accepted, and may be this node's by then. */
  const admitting = new Set<Promise<unknown>>();
  /** Runs that are being claimed, at most. */
  let claiming = 0;
  /** Runs may wait that were accepted earlier: what is accepted now waits behind them. */
  let isBacklogged = false;
  let looking: Promise<void> | null = null;
  let isLookWanted = false;
  let isClosed = false;

  const timer = setInterval(() => void look(), BEAT_MS);
  timer.unref();
  void look();

  /** What is asked for during a look is another one. */
  function look(): Promise<void> {
    if (looking !== null) {
      isLookWanted = true;
      return looking;
    }
    looking = lookOnce()
      .catch((thrown: unknown) => onError(toMillraceError(thrown)))
      .finally(() => {
        looking = null;
        if (!isLookWanted || isClosed) return;
        isLookWanted = false;
        void look();
      });
    return looking;
  }

  async function lookOnce(): Promise<void> {
    if (isClosed) return;
    const kept = await beat();
    const spent = await readSpent(database, kept);
    for (const run of kept) {
      const one = owned.get(run.id);
      if (one !== undefined) one.spentByOthers = spentBeside(run, spent);
    }
    // The rest is for what is accepted meanwhile.
    if (!isClosed) await claim(Math.ceil(room() / 2));
  }

  function room(): number {
    return Math.max(0, limits.maxOwned - owned.size - admitting.size - claiming);
  }

  async function admit(accept: (owner: string | null) => Promise<Taken>): Promise<Taken> {
    if (room() === 0) isBacklogged = true;
    if (isClosed || isBacklogged) return accept(null);
    const from = performance.now();
    const accepting = accept(owner);
    admitting.add(accepting);
    try {
      const taken = await accepting;
      // Of a node that closes meanwhile it is given back with the others.
      const isOwn = taken.is === 'new' && taken.run.owner === owner;
      if (isOwn && !isClosed) take(taken.run, taken.spent);
      // Its lease began with its row: somebody else may have it by now.
      if (isOwn && performance.now() - from > BEAT_MS) void look();
      return taken;
    } finally {
      admitting.delete(accepting);
    }
  }

  /** What is still this node's, as it stands in the rows. */
  async function beat(): Promise<readonly KeptRun[]> {
    if (owned.size === 0) return [];
    const beats = [...owned].map(([id, { work }]) => ({ id, ...work.usage() }));
    const kept = new Map((await beatRuns(database, owner, beats)).map((run) => [run.id, run]));
    for (const { id } of beats) {
      const run = kept.get(id);
      // One that ended meanwhile is not owned any more.
      if (run === undefined) halt(id, { is: 'lost' });
      else if (run.status === 'stopping') halt(id, { is: 'stop', by: run.stoppedBy ?? '' });
    }
    return [...kept.values()];
  }

  /**
   * The conversation is told that they begin, and what their users spent is known, or they are not claimed: one that is
   * claimed and not begun has lost an owner.
   */
  async function claim(most: number): Promise<void> {
    if (most === 0) return;
    claiming = most;
    try {
      const { runs, spent } = await database.transaction(async (tx) => {
        const claimed = await claimRuns(tx, owner, most);
        await publishStarts(hub, tx, claimed);
        return { runs: claimed, spent: await readSpent(tx, claimed) };
      });
      // Of a node that closes meanwhile they are given back with the others.
      for (const run of runs) if (!isClosed) take(run, spentBeside(run, spent));
      isBacklogged = runs.length === most;
    } finally {
      claiming = 0;
    }
    if (isBacklogged && room() > 0) isLookWanted = true;
  }

  /** By user, with what these runs took. */
  async function readSpent(
    tx: SqlTransaction,
    runs: readonly KeptRun[],
  ): Promise<ReadonlyMap<string, number>> {
    if (limits.budget === null || runs.length === 0) return new Map();
    const users = new Set(runs.map(({ userId }) => userId));
    return readSpending(tx, [...users], limits.budget.windowMs);
  }

  function take(run: RunRow, spentByOthers: number): void {
    const { id, fence } = run;
    // It was claimed anew before its acceptance was heard of.
    if ((owned.get(id)?.fence ?? 0) >= fence) return;
    // Its work of before, if this node could not beat for the length of a lease and claims it anew.
    halt(id, { is: 'lost' });
    const stopping = new AbortController();
    if (run.status === 'stopping') stopping.abort({ is: 'stop', by: run.stoppedBy ?? '' });
    const work = ownRun(run, stopping.signal, {
      ...options,
      owner,
      ticks,
      spentByOthers: () => owned.get(id)?.spentByOthers ?? spentByOthers,
    });
    owned.set(id, { fence, spentByOthers, halt: stopping, work });
    work.done
      .catch((thrown: unknown) => onError(toMillraceError(thrown)))
      .finally(() => {
        if (owned.get(id)?.work === work) owned.delete(id);
        // The conversation may have another one that waits.
        if (!isClosed) void look();
      });
  }

  function halt(id: string, reason: Halt): void {
    owned.get(id)?.halt.abort(reason);
  }

  return {
    admit,
    look,
    stop(runId, by) {
      if (owned.has(runId)) return halt(runId, { is: 'stop', by });
      // It may just have been claimed or accepted, as it was before the stop: the next look sees it, and comes at once.
      if (looking !== null) void look();
      for (const accepting of admitting) accepting.then(look, look);
    },
    async close() {
      isClosed = true;
      clearInterval(timer);
      const works = [...owned].map(([id, { work }]) => {
        halt(id, { is: 'lost' });
        // Told to `onError` already.
        return work.done.catch(() => undefined);
      });
      await Promise.all(works);
      await Promise.allSettled(admitting);
      await looking;
      await giveBackRuns(database, owner);
    },
  };
}

function spentBeside({ userId, usage }: KeptRun, spent: ReadonlyMap<string, number>): number {
  return Math.max(0, (spent.get(userId) ?? 0) - usage.inputTokens - usage.outputTokens);
}
