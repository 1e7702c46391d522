// Accepting a run: its row, the application's own rows, and what the channels are told, in one transaction. The same for
// a new question, one that is asked again, and an answer that goes on. Rules: RUN-1, RUN-6, RUN-13, RUN-15, RUN-16, RUN-18.

import { randomUUID } from 'node:crypto';
import { MillraceError, toMillraceError } from '@millrace/protocol';
import { aiRuns, conversations, isFinalStatus, type Json } from '@millrace/protocol/runs';
import type { Hub, PublishManyItem } from '@millrace/server';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { boundedJson, bytesOf } from './bounded.ts';
import { checkWord } from './check-word.ts';
import { outboxOf } from './ending.ts';
import type { RunLimits } from './limits.ts';
import { notify } from './news.ts';
import { prefixOf } from './prefix.ts';
import type { Stopping } from './stopping.ts';
import { readPartial } from './store/run-partial.ts';
import type { RunRow } from './store/run-row.ts';
import {
  type Accepted,
  acceptRun,
  giveBackRuns,
  type NewRun,
  type Overlap,
  readRunById,
} from './store/run-store.ts';
import { readCalls } from './store/tool-calls.ts';

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

/** Of one that asks again, or goes on. */
export interface RetryRun extends Pick<StartRun, 'userId' | 'key' | 'overlap'> {
  /** Default: those of the run before. */
  readonly settings?: Json;
}

export interface AcceptanceOptions {
  readonly hub: Hub;
  readonly database: SqlDatabase;
  readonly limits: RunLimits;
  readonly stopping: Stopping;
  onAccept(tx: SqlTransaction, run: RunRow): Promise<void>;
  onError(error: MillraceError): void;
}

/** `owner` begins what is accepted, unless something of its conversation is ahead of it; null: whoever claims it. */
export interface Acceptance {
  start(start: StartRun, owner: string | null): Promise<Taken>;
  retry(runId: string, retry: RetryRun, owner: string | null): Promise<Taken>;
  continue(runId: string, retry: RetryRun, owner: string | null): Promise<Taken>;
}

export type Taken = Exclude<Accepted, { readonly is: 'busy' }>;

export function createAcceptance(options: AcceptanceOptions): Acceptance {
  const { hub, database, limits, stopping, onAccept, onError } = options;

  /** @throws MillraceError `request/conflict`, whatever `acceptRun` throws, and what `onAccept` does */
  async function accept(
    tx: SqlTransaction,
    row: NewRun,
    overlap: Overlap,
    owner: string | null,
  ): Promise<Taken> {
    const outcome = await acceptRun(tx, row, { overlap, limits, owner });
    if (outcome.is === 'busy') {
      throw new MillraceError(
        'request/conflict',
        'The conversation is being answered. Stop that first, or let this one wait.',
        { details: { runId: outcome.by } },
      );
    }
    if (outcome.is === 'known') return outcome;
    await onAccept(tx, outcome.run);
    await publishAcceptance(hub, tx, outcome.run);
    for (const one of outcome.stopping) await stopping.follow(tx, one);
    return outcome;
  }

  async function accepted(
    id: string,
    owner: string | null,
    accepting: (tx: SqlTransaction) => Promise<Taken>,
  ): Promise<Taken> {
    try {
      return await database.transaction(accepting);
    } catch (thrown) {
      // Where the commit's answer was lost it stands all the same, and nobody would begin it. Not waited for: who asked
      // is to hear of it now.
      if (owner !== null) void giveBack(id, owner);
      throw thrown;
    }
  }

  /** What can't be given back is taken over once its lease is over. */
  async function giveBack(id: string, owner: string): Promise<void> {
    try {
      if (await giveBackRuns(database, owner, id)) await notify(database, { is: 'new' });
    } catch (thrown) {
      onError(toMillraceError(thrown));
    }
  }

  function again(
    runId: string,
    { retry, owner }: { readonly retry: RetryRun; readonly owner: string | null },
    isContinuation: boolean,
  ): Promise<Taken> {
    checkWord(retry.userId, 'userId');
    if (retry.key !== undefined) checkWord(retry.key, 'key');
    const ids = newIds();
    return accepted(ids.id, owner, async (tx) => {
      const before = await readRunById(tx, runId);
      if (before === null) throw new MillraceError('request/not-found', 'No such run.');
      const { userId, key = null, settings = before.settings, overlap = 'reject' } = retry;
      const { conversationId, question } = before;
      if (!isFinalStatus(before.status)) throw cant('The run is not over. Stop it first.', runId);
      const prefix = isContinuation ? await prefixFrom(tx, before) : null;
      return accept(
        tx,
        { ...ids, conversationId, userId, key, settings, question, retryOf: runId, prefix },
        overlap,
        owner,
      );
    });
  }

  return {
    start({ conversationId, userId, question, settings = null, key, overlap = 'reject' }, owner) {
      checkWord(conversationId, 'conversationId');
      checkWord(userId, 'userId');
      if (key !== undefined) checkWord(key, 'key');
      checkQuestion(question, limits.maxQuestionBytes);
      const of = { conversationId, userId, question, settings, key: key ?? null };
      const row = { ...newIds(), ...of, retryOf: null, prefix: null };
      return accepted(row.id, owner, (tx) => accept(tx, row, overlap, owner));
    },
    retry: (runId, retry, owner) => again(runId, { retry, owner }, false),
    continue: (runId, retry, owner) => again(runId, { retry, owner }, true),
  };
}

function newIds() {
  return { id: randomUUID(), messageId: randomUUID() };
}

async function prefixFrom(tx: SqlTransaction, { id, status }: RunRow): Promise<Json> {
  if (status === 'completed') throw cant('The answer is whole. Ask again instead.', id);
  const parts = prefixOf(await readPartial(tx, id), await readCalls(tx, id));
  return JSON.parse(JSON.stringify(parts)) as Json;
}

function cant(message: string, runId: string): MillraceError {
  return new MillraceError('request/conflict', message, { details: { runId } });
}

function checkQuestion(question: Json, most: number): void {
  const bytes = bytesOf(JSON.stringify(question), most);
  if (bytes <= most) return;
  throw new MillraceError('limit/body-size', `A question has at most ${most} bytes.`, {
    details: { bytes },
  });
}

/** With its beginning, where somebody has it already. */
async function publishAcceptance(hub: Hub, tx: SqlTransaction, run: RunRow): Promise<void> {
  const { id: runId, conversationId, messageId, userId, retryOf } = run;
  const conversation = conversations.of({ conversationId });
  const question = boundedJson(run.question);
  await publishAll(hub, tx, [
    {
      channel: aiRuns.of({ runId }),
      event: { type: 'run-accepted', data: { conversationId, messageId } },
    },
    {
      channel: conversation,
      event: { type: 'run-accepted', data: { runId, messageId, userId, question, retryOf } },
    },
    ...(run.fence === 1 ? [startOf(run)] : []),
  ]);
}

/** Of those among them that somebody takes for the first time. */
export function publishStarts(
  hub: Hub,
  tx: SqlTransaction,
  runs: readonly RunRow[],
): Promise<void> {
  return publishAll(hub, tx, runs.filter(({ fence }) => fence === 1).map(startOf));
}

function startOf({ id: runId, conversationId }: RunRow): PublishManyItem {
  return {
    channel: conversations.of({ conversationId }),
    event: { type: 'run-started', data: { runId } },
  };
}

/** All of it, or the transaction ends. */
async function publishAll(
  hub: Hub,
  tx: SqlTransaction,
  events: readonly PublishManyItem[],
): Promise<void> {
  if (events.length === 0) return;
  const written = await hub.publishMany(events, { tx: outboxOf(tx) });
  for (const one of written) if ('error' in one) throw one.error;
}
