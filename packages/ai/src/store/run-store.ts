// The rows of runs: accepted, claimed, kept by beats, asked to stop, ended. Time is the database's. Refuses to own: the
// channel, and who does the work.
//
//   accept ─▶ queued, or running where its owner is known already
//   queued ─ claim ─▶ running ─ requestStop ─▶ stopping ─┐
//     │ requestStop      └───────────── finish ──────────┴─▶ completed · stopped · failed · interrupted
//     └─▶ stopped            claim once the lease is over: the same, with a higher fence

import { MillraceError } from '@millrace/protocol';
import {
  type FinalStatus,
  type FinishReason,
  isFinalStatus,
  type Json,
  type RunStatus,
  type RunUsage,
} from '@millrace/protocol/runs';
import type { SqlTransaction } from '@millrace/server/postgres';
import { LEASE_MS, type RunLimits } from '../limits.ts';
import { checkBudget, checkCounts } from './run-budget.ts';
import { COLUMNS, KEPT_COLUMNS, type KeptRun, type RunRow, readKept, readRun } from './run-row.ts';

/** `reject` refuses a second run of a conversation, `queue` lets it wait, `interrupt` stops the one before it. */
export type Overlap = 'reject' | 'queue' | 'interrupt';

export interface NewRun {
  readonly id: string;
  readonly conversationId: string;
  readonly userId: string;
  readonly messageId: string;
  /** Repeated, it answers with the run that it made; null makes one each time. */
  readonly key: string | null;
  readonly retryOf: string | null;
  /** The parts that its message begins with; null where it goes on with nothing. */
  readonly prefix: Json;
  readonly settings: Json;
  readonly question: Json;
}

export type Accepted =
  | {
      readonly is: 'new';
      readonly run: RunRow;
      /** Those of its conversation that it stops. */
      readonly stopping: readonly RunRow[];
      /** Tokens that its user spent of the budget so far; 0 where there is none. */
      readonly spent: number;
    }
  | { readonly is: 'known'; readonly run: RunRow }
  | { readonly is: 'busy'; readonly by: string };

export interface Ended {
  readonly status: FinalStatus;
  readonly finishReason: FinishReason | null;
  readonly usage: RunUsage;
  readonly error: string | null;
  /** The parts of one that was not completed; null for none. */
  readonly partial: Json;
}

export interface AcceptOptions {
  readonly overlap: Overlap;
  readonly limits: RunLimits;
  /** Who begins it at once, where nothing of the conversation is ahead of it; null: it waits to be claimed. */
  readonly owner: string | null;
}

/**
 * In the transaction of whoever calls.
 * @throws MillraceError `request/conflict` for a key that named something else, `limit/runs`, `limit/tokens`
 */
export async function acceptRun(
  tx: SqlTransaction,
  run: NewRun,
  { overlap, limits, owner }: AcceptOptions,
): Promise<Accepted> {
  const { conversationId, userId } = run;
  // Two starts of one conversation, on whatever nodes, are one after the other; and so are two of one user (run-budget.ts).
  await tx.query(
    `select pg_advisory_xact_lock(hashtextextended($1, 7)), pg_advisory_xact_lock(hashtextextended($2, 8))`,
    [conversationId, userId],
  );
  const { known, ahead, running } = await readBefore(tx, run);
  const before = known === null ? null : await readRunById(tx, known);
  if (before !== null) return { is: 'known', run: sameRun(before, run) };
  const [first] = ahead;
  if (overlap === 'reject' && first !== undefined) return { is: 'busy', by: first.id };
  const queued = ahead.filter(({ status }) => status === 'queued').length;
  const waiting = overlap === 'queue' && first !== undefined ? queued : null;
  checkCounts({ running, waiting }, limits);
  const spent = await checkBudget(tx, userId, limits.budget);
  const stopping: RunRow[] = [];
  if (overlap === 'interrupt') {
    for (const { id } of ahead) {
      const stopped = await requestStop(tx, id, userId);
      if (stopped !== null) stopping.push(stopped);
    }
  }
  const made = await insertRun(tx, run, first === undefined ? owner : null);
  return { is: 'new', run: made, stopping, spent };
}

/** What a start depends on, in one statement: somebody waits for its answer. */
interface Before {
  /** The id of the run that its key made; null for none. */
  readonly known: string | null;
  /** Those of its conversation that are not over, in their order. */
  readonly ahead: readonly { readonly id: string; readonly status: RunStatus }[];
  /** Other conversations in which its user has a run that is not over. */
  readonly running: number;
}

async function readBefore(
  tx: SqlTransaction,
  { conversationId, userId, key }: NewRun,
): Promise<Before> {
  const rows = await tx.query(
    `select others.running, own.* from (
        select count(distinct conversation_id)::int as running from millrace.ai_runs
        where user_id = $2 and conversation_id <> $1 and ended_at is null
      ) others
      left join (
        select id, status, number, coalesce(key = $3, false) as is_known from millrace.ai_runs
        where conversation_id = $1 and (key = $3 or status in ('queued', 'running', 'stopping'))
      ) own on true
      order by own.number`,
    [conversationId, userId, key],
  );
  // Without any there is one row, of nothing.
  const own = rows.flatMap(({ id, status, is_known }) =>
    typeof id === 'string' ? [{ id, status: status as RunStatus, isKnown: is_known === true }] : [],
  );
  return {
    known: own.find(({ isKnown }) => isKnown)?.id ?? null,
    ahead: own.filter(({ status }) => !isFinalStatus(status)),
    running: Number(rows[0]?.['running']),
  };
}

async function insertRun(tx: SqlTransaction, run: NewRun, owner: string | null): Promise<RunRow> {
  const [made] = await tx.query(
    `insert into millrace.ai_runs (id, conversation_id, user_id, message_id, key, settings, question, retry_of, prefix,
        owner, status, fence, lease_until, started_at)
      select $1, $2, $3, $4, $5, $6, $7, $8, $9, begun.by,
        case when begun.by is null then 'queued' else 'running' end,
        case when begun.by is null then 0 else 1 end,
        case when begun.by is not null then begun.at + make_interval(secs => $11::double precision / 1000) end,
        case when begun.by is not null then begun.at end
      from (values ($10::text, clock_timestamp())) as begun (by, at)
      returning ${COLUMNS}`,
    [
      run.id,
      run.conversationId,
      run.userId,
      run.messageId,
      run.key,
      JSON.stringify(run.settings),
      JSON.stringify(run.question),
      run.retryOf,
      run.prefix === null ? null : JSON.stringify(run.prefix),
      owner,
      LEASE_MS,
    ],
  );
  if (made === undefined) throw new Error('the row of a run did not come back');
  return readRun(made);
}

function sameRun(known: RunRow, { retryOf, prefix }: NewRun): RunRow {
  if (known.retryOf === retryOf && known.isContinuation === (prefix !== null)) return known;
  throw new MillraceError('request/conflict', 'The key belongs to another start. Use a new one.', {
    details: { runId: known.id },
  });
}

/**
 * Takes up to `most` runs that nobody has: the first that waits of each conversation where none is at work, and those
 * whose owner's lease is over, or gave them back. Each has a higher fence than before.
 */
export async function claimRuns(
  tx: SqlTransaction,
  owner: string,
  most: number,
): Promise<readonly RunRow[]> {
  const rows = await tx.query(
    // Materialized: evaluated a second time, the choice would be another one, and more than there is room for.
    `with free as materialized (
        select run.id as of_run from millrace.ai_runs run
        where (run.status in ('running', 'stopping') and run.lease_until < clock_timestamp())
          or (run.status = 'queued' and not exists (
            select from millrace.ai_runs other
            where other.conversation_id = run.conversation_id
              and (other.status in ('running', 'stopping') or (other.status = 'queued' and other.number < run.number))
          ))
        order by run.number
        limit $2
        for update skip locked
      )
      update millrace.ai_runs set
        status = case status when 'queued' then 'running' else status end,
        owner = $1, fence = fence + 1,
        deaths = deaths + case when owner is null then 0 else 1 end,
        lease_until = clock_timestamp() + make_interval(secs => $3::double precision / 1000),
        started_at = coalesce(started_at, clock_timestamp())
      from free where id = free.of_run
      returning ${COLUMNS}`,
    [owner, most, LEASE_MS],
  );
  return rows.map(readRun);
}

/** What its owner says of a run: that it lives, and what it took so far. */
export interface Beat extends Omit<RunUsage, 'isEstimated'> {
  readonly id: string;
}

/**
 * Which of these runs are still this owner's, as they are now: the others are somebody else's, or over. One whose row is
 * held by a transaction (it is ending, or somebody stops it) is not waited for, or that would hold up the beat of all.
 */
export async function beatRuns(
  tx: SqlTransaction,
  owner: string,
  beats: readonly Beat[],
): Promise<readonly KeptRun[]> {
  const rows = await tx.query(
    `update millrace.ai_runs set
        lease_until = clock_timestamp() + make_interval(secs => $3::double precision / 1000),
        input_tokens = greatest(input_tokens, beat.input), output_tokens = greatest(output_tokens, beat.output)
      from (
        select held.id as of_run, told.input, told.output
        from jsonb_to_recordset($2::jsonb) as told (id text, input bigint, output bigint)
        join millrace.ai_runs held on held.id = told.id
        where held.owner = $1 and held.status in ('running', 'stopping')
        for update of held skip locked
      ) beat
      where id = beat.of_run
      returning ${KEPT_COLUMNS}`,
    [
      owner,
      JSON.stringify(
        beats.map(({ id, inputTokens: input, outputTokens: output }) => ({ id, input, output })),
      ),
      LEASE_MS,
    ],
  );
  const beaten = new Set(rows.map(({ id }) => id));
  const others = beats.map(({ id }) => id).filter((id) => !beaten.has(id));
  if (others.length === 0) return rows.map(readKept);
  const held = await tx.query(
    `select ${KEPT_COLUMNS} from millrace.ai_runs
      where owner = $1 and status in ('running', 'stopping') and id in (select jsonb_array_elements_text($2::jsonb))`,
    [owner, JSON.stringify(others)],
  );
  return [...rows, ...held].map(readKept);
}

/** All of an owner's, or one: others take them at once, and nobody has died. False where there was none. */
export async function giveBackRuns(
  tx: SqlTransaction,
  owner: string,
  id: string | null = null,
): Promise<boolean> {
  const rows = await tx.query(
    `update millrace.ai_runs set owner = null, lease_until = '-infinity'
      where owner = $1 and status in ('running', 'stopping') and ($2::text is null or id = $2)
      returning id`,
    [owner, id],
  );
  return rows.length > 0;
}

/**
 * Idempotent. One that waits is stopped by that, one at work will be by its owner. Null for one that is over or
 * unknown: a stop never meets a later run.
 */
export async function requestStop(
  tx: SqlTransaction,
  id: string,
  by: string,
): Promise<RunRow | null> {
  const [row] = await tx.query(
    `update millrace.ai_runs set
        status = case status when 'queued' then 'stopped' else 'stopping' end,
        ended_at = case status when 'queued' then clock_timestamp() end,
        stopped_by = coalesce(stopped_by, $2)
      where id = $1 and status in ('queued', 'running', 'stopping')
      returning ${COLUMNS}`,
    [id, by],
  );
  return row === undefined ? null : readRun(row);
}

/**
 * The same for one at work, with the word to its owner, in one statement: people wait for it, and so do fifty of them on
 * a database with one connection. Null also for one that waits.
 */
export async function stopAtWork(
  tx: SqlTransaction,
  id: string,
  by: string,
  notified: string,
): Promise<RunRow | null> {
  const [row] = await tx.query(
    `with stopped as (
        update millrace.ai_runs set status = 'stopping', stopped_by = coalesce(stopped_by, $2)
        where id = $1 and status in ('running', 'stopping')
        returning ${COLUMNS}
      )
      select stopped.*, pg_notify($3, concat_ws(' ', 'stop', id, stopped_by)) from stopped`,
    [id, by, notified],
  );
  return row === undefined ? null : readRun(row);
}

/** Ends it, if it is still this owner's. Null otherwise: then nothing of the transaction may stand. */
export async function finishRun(
  tx: SqlTransaction,
  { id, owner, fence }: { readonly id: string; readonly owner: string; readonly fence: number },
  ended: Ended,
): Promise<RunRow | null> {
  const { status, finishReason, usage, error, partial } = ended;
  const [row] = await tx.query(
    `update millrace.ai_runs set
        status = $4, finish_reason = $5, error = $6, partial = $7, input_tokens = $8, output_tokens = $9,
        is_estimated = $10, ended_at = clock_timestamp(), lease_until = null
      where id = $1 and owner = $2 and fence = $3 and status in ('running', 'stopping')
      returning ${COLUMNS}`,
    [
      id,
      owner,
      fence,
      status,
      finishReason,
      error,
      partial === null ? null : JSON.stringify(partial),
      usage.inputTokens,
      usage.outputTokens,
      usage.isEstimated,
    ],
  );
  return row === undefined ? null : readRun(row);
}

/** The run of a conversation that is not over, the one at work before those that wait; else the last that ended within `graceMs`. */
export async function readActiveRun(
  tx: SqlTransaction,
  conversationId: string,
  graceMs: number,
): Promise<RunRow | null> {
  const [row] = await tx.query(
    `select ${COLUMNS} from millrace.ai_runs
      where conversation_id = $1
        and (ended_at is null or ended_at > clock_timestamp() - make_interval(secs => $2::double precision / 1000))
      order by ended_at is not null, case when ended_at is null then number end, ended_at desc
      limit 1`,
    [conversationId, graceMs],
  );
  return row === undefined ? null : readRun(row);
}

export async function readRunById(tx: SqlTransaction, id: string): Promise<RunRow | null> {
  const [row] = await tx.query(`select ${COLUMNS} from millrace.ai_runs where id = $1`, [id]);
  return row === undefined ? null : readRun(row);
}

/** Runs of a conversation that are over, or of any that are over for so long: gone with their calls. Their ids. */
export async function deleteRuns(
  tx: SqlTransaction,
  which: { readonly conversationId: string } | { readonly endedBeforeMs: number; most: number },
): Promise<readonly string[]> {
  const isOver = `status in ('completed', 'stopped', 'failed', 'interrupted')`;
  const rows =
    'conversationId' in which
      ? await tx.query(
          `delete from millrace.ai_runs where conversation_id = $1 and ${isOver} returning id`,
          [which.conversationId],
        )
      : await tx.query(
          `with old as materialized (
              select id as of_run from millrace.ai_runs
              where ${isOver} and ended_at < clock_timestamp() - make_interval(secs => $1::double precision / 1000)
              order by ended_at limit $2 for update skip locked
            )
            delete from millrace.ai_runs using old where id = old.of_run returning id`,
          [which.endedBeforeMs, which.most],
        );
  return rows.map(({ id }) => String(id));
}
