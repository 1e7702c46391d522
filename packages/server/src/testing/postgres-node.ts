// A node on a PostgreSQL server for tests: a database seam and an engine over a pool that the test made.

import type { PgPool } from '../engines/postgres/pool.ts';
import {
  type PostgresDatabase,
  type PostgresDatabaseOptions,
  postgresDatabase,
} from '../engines/postgres/postgres-database.ts';
import { type PostgresEngineOptions, postgresEngine } from '../engines/postgres/postgres-engine.ts';
import type { Engine } from '../seams/engine.ts';

interface EndablePool extends PgPool {
  end(): Promise<void>;
}

export interface PostgresNode extends AsyncDisposable {
  readonly database: PostgresDatabase;
  readonly engine: Engine;
  /** What the database reported. */
  readonly errors: string[];
}

export type PostgresNodeOptions = Partial<
  Omit<PostgresDatabaseOptions, 'pool'> & Omit<PostgresEngineOptions, 'database'>
>;

/** Closes the engine and ends the pool when it is disposed of. */
export function openPostgresNode(
  pool: EndablePool,
  options: PostgresNodeOptions = {},
): PostgresNode {
  const errors: string[] = [];
  const onError = (error: Error): void => void errors.push(error.message);
  const database = postgresDatabase({ onError, ...options, pool });
  const engine = postgresEngine({ ...options, database });
  return {
    database,
    engine,
    errors,
    async [Symbol.asyncDispose]() {
      await engine.close();
      await pool.end();
    },
  };
}
