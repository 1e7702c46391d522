// Statements on behalf of a user: as a role that row-level security binds, and with whom it is for. What isn't
// theirs is not there for them, whatever the statement says; what is the Floor's they may read.

import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';

/** Owns what the agents of the Floor trade. */
export const FLOOR_USER_ID = 'floor';

/** One transaction in which only `userId`'s rows can be seen and written, and the Floor's seen. */
export function asUser<Result>(
  database: SqlDatabase,
  userId: string,
  run: (tx: SqlTransaction) => Promise<Result>,
): Promise<Result> {
  return database.transaction(async (tx) => {
    await actAs(tx, userId);
    return run(tx);
  });
}

/** For a transaction that has begun otherwise. Both end with it. */
export async function actAs(tx: SqlTransaction, userId: string): Promise<void> {
  await tx.query(
    `select set_config('desk.user_id', $1, true), set_config('desk.owners', '', true), set_config('role', 'desk_app', true)`,
    [userId],
  );
}

/** For the market's batch: bound as a user is, but to the rows of all those whose runs it writes. */
export async function actForOwners(tx: SqlTransaction, userIds: readonly string[]): Promise<void> {
  await tx.query(
    `select set_config('desk.user_id', '', true), set_config('desk.owners', $1::text[]::text, true), set_config('role', 'desk_app', true)`,
    [userIds],
  );
}

/** Back to the server's own, for what is no user's, in the same transaction. */
export async function actAsServer(tx: SqlTransaction): Promise<void> {
  await tx.query(
    `select set_config('desk.user_id', '', true), set_config('desk.owners', '', true), set_config('role', 'none', true)`,
  );
}

/** A part of a transaction that is more than that user's. What rejects ends the transaction, and with it the role. */
export async function whileActingAs<Result>(
  tx: SqlTransaction,
  userId: string,
  run: (tx: SqlTransaction) => Promise<Result>,
): Promise<Result> {
  await actAs(tx, userId);
  const result = await run(tx);
  await actAsServer(tx);
  return result;
}
