// Writes what happened in runs: decisions, fills, refusals, equity. Rows that are there already are left alone: after a
// commit whose answer was lost, the market saves again.

import type { SqlTransaction } from '@millrace/server/postgres';
import type { FullRow } from './insert-many.ts';
import { insertMany } from './insert-many.ts';

export interface RecordRows {
  readonly decisions: Iterable<FullRow<'decisions'>>;
  readonly fills: Iterable<FullRow<'fills'>>;
  readonly refusals: Iterable<FullRow<'refusals'>>;
  readonly equity: Iterable<FullRow<'equity_points'>>;
}

export async function insertRecord(tx: SqlTransaction, rows: RecordRows): Promise<void> {
  await insertMany(tx, 'decisions', rows.decisions, { key: ['run_id', 'number'] });
  await insertMany(tx, 'fills', rows.fills, { key: ['run_id', 'number'] });
  await insertMany(tx, 'refusals', rows.refusals, {
    key: ['run_id', 'decision_number', 'position'],
  });
  await insertMany(tx, 'equity_points', rows.equity, { key: ['run_id', 'tick'] });
}
