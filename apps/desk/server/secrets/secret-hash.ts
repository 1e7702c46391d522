// Secrets that only their owner has, such as keys and tickets: 256 random bits, of which a hash is kept. Whoever reads
// the database can use none of them. Owns looking one up by its hash, which row-level security allows by `desk.secret_hash`.

import { createHash, randomBytes } from 'node:crypto';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';

export function makeSecret(prefix: string): string {
  return `${prefix}${randomBytes(32).toString('base64url')}`;
}

/** So many random bits need no slow hash. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret, 'utf8').digest('base64url');
}

/** One transaction in which the row of this secret can be seen, whoever's it is. */
export function asHolder<Result>(
  database: SqlDatabase,
  hash: string,
  run: (tx: SqlTransaction) => Promise<Result>,
): Promise<Result> {
  return database.transaction(async (tx) => {
    await tx.query(
      `select set_config('desk.secret_hash', $1, true), set_config('desk.user_id', '', true), set_config('role', 'desk_app', true)`,
      [hash],
    );
    return run(tx);
  });
}
