// Many rows as one parameter: one statement, whose text is always the same, however many they are.

import type { SqlTransaction } from '@millrace/server/postgres';
import type { InsertType, SelectType } from 'kysely';
import type { Tables } from './tables.ts';

/** A statement on an embedded database holds up all others: at most so many rows each. */
const ROWS_PER_STATEMENT = 1_000;

/** A row with each of its columns: none falls back to its default. JSON stands in it as a value, not as text. */
export type FullRow<Table extends keyof Tables> = {
  [Column in keyof Tables[Table]]: unknown extends SelectType<Tables[Table][Column]>
    ? object
    : Exclude<InsertType<Tables[Table][Column]>, undefined>;
};

/**
 * Inserts all of them. What is there already by primary key stays as it is, or takes the new values of the columns
 * named in `replacing`. Tables and columns are names of the code, never input. Rows that are made as they are asked for
 * are made a thousand at a time.
 */
export async function insertMany<Table extends keyof Tables>(
  tx: SqlTransaction,
  table: Table,
  rows: Iterable<FullRow<Table>>,
  onConflict: {
    readonly key: readonly (keyof FullRow<Table> & string)[];
    readonly replacing?: readonly (keyof FullRow<Table> & string)[];
  },
): Promise<void> {
  const { key, replacing = [] } = onConflict;
  const changes = replacing.map((column) => `${column} = excluded.${column}`).join(', ');
  const then = replacing.length === 0 ? 'do nothing' : `do update set ${changes}`;
  const text = `insert into desk.${table}
    select * from jsonb_populate_recordset(null::desk.${table}, $1::jsonb)
    on conflict (${key.join(', ')}) ${then}`;
  let some: FullRow<Table>[] = [];
  for (const row of rows) {
    some.push(row);
    if (some.length < ROWS_PER_STATEMENT) continue;
    await tx.query(text, [JSON.stringify(some)]);
    some = [];
  }
  if (some.length > 0) await tx.query(text, [JSON.stringify(some)]);
}
