// The SqlDatabase seam, beside the engine that is built on it.

export {
  isSqlTransaction,
  type SqlDatabase,
  type SqlRow,
  type SqlTransaction,
} from '../../seams/database.ts';
