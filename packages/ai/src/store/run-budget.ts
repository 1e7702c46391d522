// What a user may still do: runs under way, runs that wait, tokens of the budget's window. Read in the transaction of a
// start, under a lock of the user's, so that two starts can't both be the last one. Rules: RUN-18.

import { MillraceError } from '@millrace/protocol';
import type { SqlTransaction } from '@millrace/server/postgres';
import type { RunLimits } from '../limits.ts';

export interface Start {
  readonly conversationId: string;
  readonly userId: string;
  /** Whether it would wait behind others of its conversation. */
  readonly waits: boolean;
}

/** @throws MillraceError `limit/runs`, `limit/tokens` with `retryAfterMs` */
export async function checkLimits(
  tx: SqlTransaction,
  { conversationId, userId, waits }: Start,
  limits: RunLimits,
): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 8))', [userId]);
  const [row] = await tx.query(
    `select
      (select count(distinct conversation_id) from millrace.ai_runs
        where user_id = $1 and conversation_id <> $2 and ended_at is null)::int as running,
      (select count(*) from millrace.ai_runs
        where conversation_id = $2 and status = 'queued')::int as queued`,
    [userId, conversationId],
  );
  const { maxRunningPerUser, maxQueuedPerConversation, budget } = limits;
  if (Number(row?.['running']) >= maxRunningPerUser) {
    throw new MillraceError(
      'limit/runs',
      `${maxRunningPerUser} answers are under way. Wait for one of them, or stop it.`,
    );
  }
  if (waits && Number(row?.['queued']) >= maxQueuedPerConversation) {
    throw new MillraceError(
      'limit/runs',
      `${maxQueuedPerConversation} questions wait here already. Wait for one of them, or stop it.`,
    );
  }
  if (budget === null) return;
  const retryAfterMs = await readWait(tx, userId, budget.tokensPerUser, budget.windowMs);
  if (retryAfterMs === null) return;
  throw new MillraceError('limit/tokens', 'The budget of tokens is used up. Ask again later.', {
    details: { retryAfterMs },
  });
}

const IN_WINDOW = `(ended_at is null or ended_at > statement_timestamp() - make_interval(secs => $2::double precision / 1000))`;

/**
 * Until so much of the window has passed that less than the budget is spent in it; null where that is so now. What is
 * under way counts as if it ended now.
 */
async function readWait(
  tx: SqlTransaction,
  userId: string,
  tokens: number,
  windowMs: number,
): Promise<number | null> {
  const [row] = await tx.query(
    `select (extract(epoch from max(at) - statement_timestamp()) * 1000)::float8 + $2::float8 as wait_ms from (
        select coalesce(ended_at, statement_timestamp()) as at,
          sum(input_tokens + output_tokens) over (order by coalesce(ended_at, statement_timestamp()) desc, number) as spent
        from millrace.ai_runs where user_id = $1 and ${IN_WINDOW}
      ) newest_first where spent >= $3::float8`,
    [userId, windowMs, tokens],
  );
  const waitMs = row?.['wait_ms'];
  return typeof waitMs === 'number' ? Math.max(1, Math.ceil(waitMs)) : null;
}

/** What all runs of these users took within the window, by user. */
export async function readSpending(
  tx: SqlTransaction,
  userIds: readonly string[],
  windowMs: number,
): Promise<ReadonlyMap<string, number>> {
  const rows = await tx.query(
    `select user_id, sum(input_tokens + output_tokens)::float8 as spent from millrace.ai_runs
      where user_id in (select jsonb_array_elements_text($1::jsonb)) and ${IN_WINDOW}
      group by user_id`,
    [JSON.stringify(userIds), windowMs],
  );
  return new Map(rows.map((row) => [String(row['user_id']), Number(row['spent'])]));
}
