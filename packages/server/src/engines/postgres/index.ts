// Public entry of @millrace/server/postgres: the engine on a database, and the seam it asks of one.

export type { SqlDatabase, SqlRow, SqlTransaction } from './database.ts';
export { type PgliteInstance, pgliteDatabase } from './pglite-database.ts';
export { type PgliteEngineOptions, pgliteEngine } from './pglite-engine.ts';
