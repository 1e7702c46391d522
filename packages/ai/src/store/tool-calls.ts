// Calls of tools, written before they are made and again before their outcome is used: across however many owners, a
// call that ended is never made again, and one whose outcome nobody knows is made again only where its tool says so.
// Only who owns the run writes.

import type { Json } from '@millrace/protocol/runs';
import type { SqlRow, SqlTransaction } from '@millrace/server/postgres';

/** Whose call it is, and by whom. */
export interface CallOf {
  readonly runId: string;
  readonly callId: string;
  readonly owner: string;
  readonly fence: number;
}

export interface NewCall extends CallOf {
  readonly userId: string;
  readonly name: string;
  readonly input: Json;
}

export type CallOutcome =
  | { readonly is: 'done'; readonly output: Json }
  | { readonly is: 'failed'; readonly error: string };

export interface StoredCall {
  /** The same for every try. */
  readonly key: string;
  /** Counts this one. */
  readonly tries: number;
  readonly input: Json;
  /** Null while nobody knows. */
  readonly outcome: CallOutcome | null;
}

/**
 * Writes it down, or finds what is known of it. One that is found without an outcome has one more try. Null for who does
 * not own the run any more.
 */
export async function beginCall(tx: SqlTransaction, call: NewCall): Promise<StoredCall | null> {
  const { runId, callId, owner, fence, userId, name, input } = call;
  const [row] = await tx.query(
    `insert into millrace.ai_tool_calls as known (run_id, call_id, user_id, name, input, key, status)
      select id, $2, $3, $4, $5, id || ':' || $2, 'called' from millrace.ai_runs
        where id = $1 and owner = $6 and fence = $7
      on conflict (run_id, call_id) do update
        set tries = known.tries + case known.status when 'called' then 1 else 0 end
      returning ${COLUMNS}`,
    [runId, callId, userId, name, JSON.stringify(input), owner, fence],
  );
  return row === undefined ? null : readCall(row);
}

/** The first outcome stands, since it may have been used. Null for who does not own the run any more. */
export async function endCall(
  tx: SqlTransaction,
  { runId, callId, owner, fence }: CallOf,
  outcome: CallOutcome,
): Promise<CallOutcome | null> {
  const [row] = await tx.query(
    `update millrace.ai_tool_calls as known set
        status = case status when 'called' then $3 else status end,
        output = case status when 'called' then $4 else output end,
        error = case status when 'called' then $5 else error end,
        ended_at = coalesce(ended_at, clock_timestamp())
      where run_id = $1 and call_id = $2
        and exists (select from millrace.ai_runs where id = $1 and owner = $6 and fence = $7)
      returning ${COLUMNS}`,
    [
      runId,
      callId,
      outcome.is,
      outcome.is === 'done' ? JSON.stringify(outcome.output) : null,
      outcome.is === 'failed' ? outcome.error.replaceAll('\0', '\uFFFD') : null,
      owner,
      fence,
    ],
  );
  return row === undefined ? null : readCall(row).outcome;
}

/** As far as it is known to whomever. */
export async function readCalls(
  tx: SqlTransaction,
  runId: string,
): Promise<ReadonlyMap<string, StoredCall>> {
  const rows = await tx.query(
    `select call_id, ${COLUMNS} from millrace.ai_tool_calls where run_id = $1`,
    [runId],
  );
  return new Map(rows.map((row) => [String(row['call_id']), readCall(row)]));
}

const COLUMNS = 'key, tries, input, status, output, error';

function readCall(row: SqlRow): StoredCall {
  return {
    key: String(row['key']),
    tries: Number(row['tries']),
    input: JSON.parse(String(row['input'])) as Json,
    outcome: readOutcome(row),
  };
}

function readOutcome({ status, output, error }: SqlRow): CallOutcome | null {
  if (status === 'done') return { is: 'done', output: JSON.parse(String(output)) as Json };
  if (status === 'failed') return { is: 'failed', error: String(error) };
  return null;
}
