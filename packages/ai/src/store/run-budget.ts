// What a user may still do: runs under way, runs that wait, tokens of the budget's window. Read in the transaction of a
// start, under a lock of the user's, so that two starts can't both be the last one. Rules: RUN-18.

import { MillraceError } from '@millrace/protocol';
import type { SqlTransaction } from '@millrace/server/postgres';
import type { RunLimits, TokenBudget } from '../limits.ts';

/** @throws MillraceError `limit/runs` */
export function checkCounts(
  counts: {
    /** Other conversations in which the user has a run that is not over. */
    readonly running: number;
    /** Runs of the conversation ahead of one that would wait; null for one that would not. */
    readonly waiting: number | null;
  },
  { maxRunningPerUser, maxQueuedPerConversation }: RunLimits,
): void {
  if (counts.running >= maxRunningPerUser) {
    throw new MillraceError(
      'limit/runs',
      `${maxRunningPerUser} answers are under way. Wait for one of them, or stop it.`,
    );
  }
  if (counts.waiting !== null && counts.waiting >= maxQueuedPerConversation) {
    throw new MillraceError(
      'limit/runs',
      `${maxQueuedPerConversation} questions wait here already. Wait for one of them, or stop it.`,
    );
  }
}

/**
 * While a lock of the user's is held. @returns tokens spent of the budget; 0 where there is none.
 * @throws MillraceError `limit/tokens` with `retryAfterMs`
 */
export async function checkBudget(
  tx: SqlTransaction,
  userId: string,
  budget: TokenBudget | null,
): Promise<number> {
  if (budget === null) return 0;
  const { spent, waitMs } = await readSpent(tx, userId, budget);
  if (waitMs === null) return spent;
  throw new MillraceError('limit/tokens', 'The budget of tokens is used up. Ask again later.', {
    details: { retryAfterMs: waitMs },
  });
}

const IN_WINDOW = `(ended_at is null or ended_at > statement_timestamp() - make_interval(secs => $2::double precision / 1000))`;

/**
 * `waitMs`: until so much of the window has passed that less than the budget is spent in it; null where that is so now.
 * What is under way counts as if it ended now.
 */
async function readSpent(
  tx: SqlTransaction,
  userId: string,
  { tokensPerUser, windowMs }: TokenBudget,
): Promise<{ readonly spent: number; readonly waitMs: number | null }> {
  const [row] = await tx.query(
    `select coalesce(max(spent), 0)::float8 as spent,
        (extract(epoch from max(at) filter (where spent >= $3::float8) - statement_timestamp()) * 1000)::float8
          + $2::float8 as wait_ms
      from (
        select coalesce(ended_at, statement_timestamp()) as at,
          sum(input_tokens + output_tokens) over (order by coalesce(ended_at, statement_timestamp()) desc, number) as spent
        from millrace.ai_runs where user_id = $1 and ${IN_WINDOW}
      ) newest_first`,
    [userId, windowMs, tokensPerUser],
  );
  const waitMs = row?.['wait_ms'];
  return {
    spent: Number(row?.['spent']),
    waitMs: typeof waitMs === 'number' ? Math.max(1, Math.ceil(waitMs)) : null,
  };
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
