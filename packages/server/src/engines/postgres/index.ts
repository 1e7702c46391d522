// Public entry of @millrace/server/postgres: the engine on a server or in the process, and the seam it asks of a database.

export type { SqlDatabase, SqlRow, SqlTransaction } from './database.ts';
export type { Ear, Line, Told } from './line.ts';
export { type PgliteInstance, pgliteDatabase } from './pglite-database.ts';
export { type PgliteEngineOptions, pgliteEngine } from './pglite-engine.ts';
export type { PgClient, PgNotification, PgOwnClient, PgPool, PgPoolClient } from './pool.ts';
export {
  type PostgresDatabase,
  type PostgresDatabaseOptions,
  postgresDatabase,
} from './postgres-database.ts';
export { type PostgresEngineOptions, postgresEngine } from './postgres-engine.ts';
export { migrateSchema, type SchemaVersions } from './schema-versions.ts';
