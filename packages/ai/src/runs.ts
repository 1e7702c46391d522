// `createRuns`: what an application starts, stops, asks again and reads; and this node's share of the work, between the
// database's notifications and the worker. Refuses to own: transactions (acceptance.ts, stopping.ts), the work (worker.ts).

import { type MillraceError, toMillraceError } from '@millrace/protocol';
import type { RunState } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { createAcceptance, type RetryRun, type StartRun, type Taken } from './acceptance.ts';
import { checkWord } from './check-word.ts';
import { describeNothing } from './describe-nothing.ts';
import { createForgetting } from './forgetting.ts';
import type { Answering } from './generation.ts';
import { type RunLimits, runLimits } from './limits.ts';
import { listen, notify } from './news.ts';
import { createStopping } from './stopping.ts';
import type { RunRow } from './store/run-row.ts';
import { migrateRuns } from './store/run-schema.ts';
import { readActiveRun, readRunById } from './store/run-store.ts';
import { createWorker } from './worker.ts';

/** With any of `RunLimits`, each of which has a default. */
export interface RunsOptions extends Partial<RunLimits> {
  /** With the contracts `aiRuns` and `conversations`. */
  readonly hub: Hub;
  /** Where the runs are: the database of the hub's outbox, and of the application's own rows. */
  readonly database: SqlDatabase;
  /** How a run is answered: asked anew by each node that takes it. */
  answer(run: RunRow, signal: AbortSignal): Answering | Promise<Answering>;
  /**
   * In the transaction that accepts a run: the application's own rows, such as the question. One with `retryOf` asks
   * nothing new. Within a second or two: the lease of whoever begins the run counts from here.
   */
  readonly onAccept?: (tx: SqlTransaction, run: RunRow) => Promise<void>;
  /**
   * In the transaction that ends it: the message, if `run.status` is `completed`; of one with `retryOf` in the place of
   * that one's. What rejects is tried again.
   */
  readonly onEnd?: (tx: SqlTransaction, run: RunRow, state: RunState) => Promise<void>;
  /** What readers are told of a model's or a tool's failure. Default: words that give nothing away. */
  readonly describeError?: (error: unknown) => string;
  /** The one place for what fails in the background. */
  readonly onError: (error: MillraceError) => void;
}

export interface Started {
  readonly run: RunRow;
  /** False where the key was known. */
  readonly isNew: boolean;
}

export interface Runs extends AsyncDisposable {
  /**
   * Resolves once it is accepted; reading it is a matter of its channel, `aiRuns.of({ runId })`.
   * Rejects with `request/conflict` (`details.runId` is the one that is at work), `limit/runs`, `limit/tokens` (with
   * `details.retryAfterMs`), `limit/body-size`, `engine/…`.
   */
  start(start: StartRun): Promise<Started>;
  /**
   * A new run for the question of one that is over, however it ended. Who may do so is the application's to say.
   * Rejects with `request/not-found`, `request/conflict` (it is not over, or as `start`), `limit/…`.
   */
  retry(runId: string, retry: RetryRun): Promise<Started>;
  /**
   * A new run that goes on with what a stopped, failed or interrupted one had said: its message begins with that.
   * Rejects as `retry` does, and with `request/conflict` for one that was completed.
   */
  continue(runId: string, retry: RetryRun): Promise<Started>;
  /** Idempotent; resolves once it is sure that the run will stop. Null for one that is over or unknown. */
  stop(runId: string, by: string): Promise<RunRow | null>;
  read(runId: string): Promise<RunRow | null>;
  /**
   * The run that a conversation has at work, else the first that waits; else the last one, if it ended within `graceMs`
   * (default 0): who opens a chat just then has not read its message yet. Null for none.
   */
  active(conversationId: string, options?: { readonly graceMs?: number }): Promise<RunRow | null>;
  /**
   * Of a conversation that is deleted: its runs that are over go with their calls, their channels and the conversation's.
   * One that is at work is not touched; stop it first.
   */
  forget(conversationId: string): Promise<void>;
  /** Gives up what this node works on: others take it over at once. Idempotent. */
  close(): Promise<void>;
}

/** Rejects with `settings/invalid` for a limit that can't be, or a database that a newer version wrote. */
export async function createRuns(options: RunsOptions): Promise<Runs> {
  const { hub, database, onError, onAccept, onEnd, describeError = describeNothing } = options;
  const limits = runLimits(options);
  await migrateRuns(database);
  const common = {
    hub,
    database,
    limits,
    onError,
    describeError,
    answer: (run: RunRow, signal: AbortSignal) => options.answer(run, signal),
    onAccept: async (tx: SqlTransaction, run: RunRow) => onAccept?.(tx, run),
    onEnd: async (tx: SqlTransaction, run: RunRow, state: RunState) => onEnd?.(tx, run, state),
  };
  const stopping = createStopping(common);
  const acceptance = createAcceptance({ ...common, stopping });
  const worker = createWorker(common);
  const forgetting = createForgetting(common);
  const unlisten = await listen(database, {
    onNew: () => void worker.look(),
    onStop: worker.stop,
  }).catch(async (thrown: unknown) => {
    // It works already, and nobody else could close it.
    forgetting.close();
    await worker.close();
    throw thrown;
  });
  let closing: Promise<void> | null = null;

  async function startBy(accept: (owner: string | null) => Promise<Taken>): Promise<Started> {
    const { is, run } = await worker.admit(accept);
    // One that somebody has already is no news.
    if (is === 'new' && run.owner === null) await tellNew();
    return { run, isNew: is === 'new' };
  }

  /** A hint: what it says stands in the rows already. */
  async function tellNew(): Promise<void> {
    try {
      await notify(database, { is: 'new' });
    } catch (thrown) {
      onError(toMillraceError(thrown));
    }
  }

  function close(): Promise<void> {
    closing ??= (async () => {
      forgetting.close();
      try {
        await unlisten();
      } finally {
        // Without its ear, too: it would beat for its runs for ever.
        await worker.close();
      }
      await tellNew();
    })();
    return closing;
  }

  return {
    start: (start) => startBy((owner) => acceptance.start(start, owner)),
    retry: (runId, retry) => startBy((owner) => acceptance.retry(runId, retry, owner)),
    continue: (runId, retry) => startBy((owner) => acceptance.continue(runId, retry, owner)),
    stop: stopping.stop,
    read: (runId) => readRunById(database, runId),
    active: (conversationId, { graceMs = 0 } = {}) =>
      readActiveRun(database, conversationId, graceMs),
    async forget(conversationId) {
      checkWord(conversationId, 'conversationId');
      await forgetting.forget(conversationId);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
