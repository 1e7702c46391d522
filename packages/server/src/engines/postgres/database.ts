// The SqlDatabase seam, beside the engine that is built on it.

import type { SqlRow } from '../../seams/database.ts';

export type { SqlDatabase, SqlRow, SqlTransaction } from '../../seams/database.ts';

export function onlyRows(rows: readonly unknown[]): readonly SqlRow[] {
  return rows.filter(isRow);
}

function isRow(value: unknown): value is SqlRow {
  return typeof value === 'object' && value !== null;
}
