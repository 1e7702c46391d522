// Calls of tools, written before they are made and again before their outcome is used: across however many owners, a
// call that ended is never made again, and one whose outcome nobody knows is made again only where its tool says so.

import type { Json } from '@millrace/protocol/runs';
import type { SqlRow, SqlTransaction } from '@millrace/server/postgres';

export interface CallOf {
  readonly runId: string;
  readonly callId: string;
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
  /** Null while nobody knows. */
  readonly outcome: CallOutcome | null;
}

/** Writes it down, or finds what is known of it. One that is found without an outcome has one more try. */
export async function beginCall(tx: SqlTransaction, call: NewCall): Promise<StoredCall> {
  const { runId, callId, userId, name, input } = call;
  const [row] = await tx.query(
    `insert into millrace.ai_tool_calls as known (run_id, call_id, user_id, name, input, key, status)
      values ($1, $2, $3, $4, $5::jsonb, $1 || ':' || $2, 'called')
      on conflict (run_id, call_id) do update
        set tries = known.tries + case known.status when 'called' then 1 else 0 end
      returning ${COLUMNS}`,
    [runId, callId, userId, name, JSON.stringify(input)],
  );
  if (row === undefined) throw new Error('the row of a tool call did not come back');
  return readCall(row);
}

/** The first outcome stands: it may have been used. */
export async function endCall(
  tx: SqlTransaction,
  { runId, callId }: CallOf,
  outcome: CallOutcome,
): Promise<void> {
  await tx.query(
    `update millrace.ai_tool_calls set status = $3, output = $4::jsonb, error = $5, ended_at = clock_timestamp()
      where run_id = $1 and call_id = $2 and status = 'called'`,
    [
      ...[runId, callId, outcome.is],
      outcome.is === 'done' ? JSON.stringify(outcome.output) : null,
      outcome.is === 'failed' ? outcome.error : null,
    ],
  );
}

const COLUMNS = 'key, tries, status, output::text as output, error';

function readCall(row: SqlRow): StoredCall {
  return { key: String(row['key']), tries: Number(row['tries']), outcome: readOutcome(row) };
}

function readOutcome({ status, output, error }: SqlRow): CallOutcome | null {
  if (status === 'done') return { is: 'done', output: JSON.parse(String(output)) as Json };
  if (status === 'failed') return { is: 'failed', error: String(error) };
  return null;
}
