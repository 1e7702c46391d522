// The SqlDatabase seam, beside the engine that is built on it.

export type { SqlDatabase, SqlRow, SqlTransaction } from '../../seams/database.ts';
