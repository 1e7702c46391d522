// `createRuns`: takes starts and stops, and has this node do its share of the work: claims what nobody has, beats for
// what it owns, aborts what is to be stopped. Refuses to own: one run's life (owner.ts), its rows (store/).
// Rules: RUN-6 … RUN-8.

import { randomUUID } from 'node:crypto';
import { MillraceError, toMillraceError } from '@millrace/protocol';
import { EMPTY_RUN, foldRun, type Json, type RunState } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { publishAcceptance, publishStarts } from './acceptance.ts';
import { publishEnd } from './ending.ts';
import type { Answering } from './generation.ts';
import { type Halt, ownRun } from './owner.ts';
import { anywhere } from './pen.ts';
import type { RunRow } from './store/run-row.ts';
import { migrateRuns } from './store/run-schema.ts';
import {
  acceptRun,
  beatRuns,
  claimRuns,
  giveBackRuns,
  type Overlap,
  readActiveRun,
  readRunById,
  requestStop,
} from './store/run-store.ts';

/** Time between two beats, and at most between two looks for what nobody has, ms. */
const BEAT_MS = 2_000;
const NOTIFIED = 'millrace_ai_runs';

export interface StartRun {
  readonly conversationId: string;
  /** Who asks; the run is theirs. */
  readonly userId: string;
  /** What is asked, in the application's own form: `answer` gets it back. */
  readonly question: Json;
  /** Of the model, without secrets; kept as they are now. Default null. */
  readonly settings?: Json;
  /** Idempotency key: a start that repeats it (in its conversation) answers with the run of the first. */
  readonly key?: string;
  /** Where another run of the conversation is not over. Default `reject`. */
  readonly overlap?: Overlap;
}

export interface RunsOptions {
  readonly hub: Hub;
  /** Where the runs are: the database of the hub's outbox, and of the application's own rows. */
  readonly database: SqlDatabase;
  /** How a run is answered: asked anew by each node that takes it. */
  answer(run: RunRow, signal: AbortSignal): Answering | Promise<Answering>;
  /** In the transaction that accepts a run: the application's own rows, such as the question. */
  readonly onAccept?: (tx: SqlTransaction, run: RunRow) => Promise<void>;
  /** In the transaction that ends it: the message, if `run.status` is `completed`. What rejects is tried again. */
  readonly onEnd?: (tx: SqlTransaction, run: RunRow, state: RunState) => Promise<void>;
  /** What readers are told of a model's or a tool's failure. Default: words that give nothing away. */
  readonly describeError?: (error: unknown) => string;
  /** How long tokens are gathered, ms. Default 30. */
  readonly windowMs?: number;
  /** Steps of one run at most. Default 20. */
  readonly maxSteps?: number;
  /** So many owners may die of a run before it is `interrupted`; one that gives it back has not died. Default 3. */
  readonly maxAttempts?: number;
  /** Runs that this node works on at a time. Default 100. */
  readonly maxOwned?: number;
  /** The one place for what fails in the background. */
  readonly onError: (error: MillraceError) => void;
}

export interface Runs extends AsyncDisposable {
  /**
   * Resolves once it is accepted; reading it is a matter of its channel, `aiRuns.of({ runId })`.
   * Rejects with `request/conflict` (`details.runId` is the one that is at work), `engine/…`.
   */
  start(start: StartRun): Promise<{ readonly run: RunRow; readonly isNew: boolean }>;
  /** Idempotent; resolves once it is sure that the run will stop. Null for one that is over or unknown. */
  stop(runId: string, by: string): Promise<RunRow | null>;
  read(runId: string): Promise<RunRow | null>;
  /**
   * The run that a conversation has at work, else the first that waits; else the last one, if it ended within `graceMs`
   * (default 0): who opens a chat just then has not read its message yet. Null for none.
   */
  active(conversationId: string, options?: { readonly graceMs?: number }): Promise<RunRow | null>;
  /** Gives up what this node works on: others take it over at once. Idempotent. */
  close(): Promise<void>;
}

interface Owned {
  readonly halt: AbortController;
  readonly done: Promise<void>;
}

export async function createRuns(options: RunsOptions): Promise<Runs> {
  const { hub, database, onError, maxOwned = 100 } = options;
  const owner = randomUUID();
  const owned = new Map<string, Owned>();
  let looking: Promise<void> | null = null;
  let isLookWanted = false;
  let isClosed = false;
  let closing: Promise<void> | null = null;
  await migrateRuns(database);
  const unlisten = await database.listen(NOTIFIED, heard, () => void look());
  const timer = setInterval(() => void look(), BEAT_MS);
  timer.unref();
  void look();

  function heard(word: string): void {
    const [what, id = ''] = word.split(' ');
    // Who asked for it stands in the row.
    if (what !== 'stop') void look();
    else if (owned.has(id)) void stopOwned(id);
  }

  async function stopOwned(id: string): Promise<void> {
    try {
      const run = await readRunById(database, id);
      if (run?.owner === owner) halt(id, { is: 'stop', by: run.stoppedBy ?? '' });
    } catch (thrown) {
      // The next beat sees it too.
      onError(toMillraceError(thrown));
    }
  }

  function halt(id: string, reason: Halt): void {
    owned.get(id)?.halt.abort(reason);
  }

  /** One look at a time; what is asked for meanwhile is another one. */
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
    const ids = [...owned.keys()];
    if (ids.length > 0) {
      const kept = new Map((await beatRuns(database, owner, ids)).map((run) => [run.id, run]));
      for (const id of ids) {
        const run = kept.get(id);
        // One that ended meanwhile is not owned any more.
        if (run === undefined) halt(id, { is: 'lost' });
        else if (run.status === 'stopping') halt(id, { is: 'stop', by: run.stoppedBy ?? '' });
      }
    }
    const room = maxOwned - owned.size;
    if (room <= 0 || isClosed) return;
    // Of a node that closes meanwhile they are given back with the others.
    for (const run of await claim(room)) if (!isClosed) take(run);
  }

  /** The conversation is told that they begin, or they do not. */
  async function claim(most: number): Promise<readonly RunRow[]> {
    return database.transaction(async (tx) => {
      const runs = await claimRuns(tx, owner, most);
      await publishStarts(hub, tx, runs);
      return runs;
    });
  }

  function take(run: RunRow): void {
    const stopping = new AbortController();
    if (run.status === 'stopping') stopping.abort({ is: 'stop', by: run.stoppedBy ?? '' });
    const done = ownRun(run, stopping.signal, {
      ...{ hub, database, owner, onError },
      answer: (one, signal) => options.answer(one, signal),
      onEnd: async (tx, ended, state) => options.onEnd?.(tx, ended, state),
      describeError: options.describeError ?? describeNothing,
      windowMs: options.windowMs ?? 30,
      maxSteps: options.maxSteps ?? 20,
      maxAttempts: options.maxAttempts ?? 3,
    })
      .catch((thrown: unknown) => onError(toMillraceError(thrown)))
      .finally(() => {
        if (owned.get(run.id)?.halt === stopping) owned.delete(run.id);
        // The conversation may have another one that waits.
        if (!isClosed) void look();
      });
    owned.set(run.id, { halt: stopping, done });
  }

  /** A hint: what it says stands in the rows already. */
  async function notify(word: string): Promise<void> {
    try {
      await database.query('select pg_notify($1, $2)', [NOTIFIED, word]);
    } catch (thrown) {
      onError(toMillraceError(thrown));
    }
  }

  return {
    async start(start) {
      checkWord(start.conversationId, 'conversationId');
      checkWord(start.userId, 'userId');
      if (start.key !== undefined) checkWord(start.key, 'key');
      const id = randomUUID();
      const accepted = await database.transaction(async (tx) => {
        const { conversationId, userId, question, settings = null, key = null } = start;
        const messageId = randomUUID();
        const row = { id, conversationId, userId, messageId, key, settings, question };
        const outcome = await acceptRun(tx, row, start.overlap ?? 'reject');
        if (outcome.is !== 'new') return outcome;
        await options.onAccept?.(tx, outcome.run);
        await publishAcceptance(hub, tx, outcome.run);
        for (const one of outcome.stopping) if (one.status === 'stopped') await endQueued(tx, one);
        return outcome;
      });
      if (accepted.is === 'busy') {
        throw new MillraceError(
          'request/conflict',
          'The conversation is being answered. Stop that first, or let this one wait.',
          { details: { runId: accepted.by } },
        );
      }
      for (const one of accepted.stopping) if (one.status === 'stopping') await tellStop(one);
      if (accepted.is === 'new') await notify('new');
      return { run: accepted.run, isNew: accepted.is === 'new' };
    },
    async stop(runId, by) {
      checkWord(by, 'by');
      const run = await database.transaction(async (tx) => {
        const stopped = await requestStop(tx, runId, by);
        if (stopped?.status === 'stopped') await endQueued(tx, stopped);
        return stopped;
      });
      if (run?.status === 'stopping') await tellStop(run);
      return run;
    },
    read: (runId) => readRunById(database, runId),
    active: (conversationId, { graceMs = 0 } = {}) =>
      readActiveRun(database, conversationId, graceMs),
    close,
    [Symbol.asyncDispose]: close,
  };

  function close(): Promise<void> {
    closing ??= end();
    return closing;
  }

  function tellStop({ id }: RunRow): Promise<void> {
    return notify(`stop ${id}`);
  }

  /** One that nobody had begun. */
  async function endQueued(tx: SqlTransaction, run: RunRow): Promise<void> {
    const { usage, conversationId, messageId, stoppedBy } = run;
    const ended = { status: 'stopped', finishReason: null, error: null, usage } as const;
    const event = await publishEnd(hub, tx, run, ended);
    const queued: RunState = {
      ...EMPTY_RUN,
      status: 'queued',
      conversationId,
      messageId,
      stoppedBy,
    };
    await options.onEnd?.(tx, run, foldRun(queued, anywhere(event)));
  }

  async function end(): Promise<void> {
    isClosed = true;
    clearInterval(timer);
    await unlisten();
    const mine = [...owned.keys()];
    for (const id of mine) halt(id, { is: 'lost' });
    await Promise.all([...owned.values()].map(({ done }) => done));
    await looking;
    await giveBackRuns(database, owner);
    await notify('new');
  }
}

/** What names something is kept in rows and events, and bounded there. */
function checkWord(word: string, name: string): void {
  if (word !== '' && word.length <= 200 && word.isWellFormed() && !word.includes('\0')) return;
  throw new MillraceError('request/invalid', `${name} is a text of 1 to 200 characters.`);
}

function describeNothing(error: unknown): string {
  return error instanceof MillraceError ? error.message : 'Something went wrong. Try again.';
}
