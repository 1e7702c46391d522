// Typed queries on a SqlDatabase or on a transaction of one: kysely builds the SQL, the handle runs it.
//
// Transactions are the handle's (`sql.transaction`), never kysely's: one kind of transaction, which the hub can
// join as well. So the dialect begins none, and says so when it is asked to.

import type { SqlTransaction } from '@millrace/server/postgres';
import {
  type DatabaseConnection,
  type DialectAdapter,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import type { Tables } from './tables.ts';

/** Costs next to nothing: made anew for each transaction. */
export function queries(on: SqlTransaction): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => ADAPTER,
      createDriver: () => driverOn(on),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  }).withSchema('desk');
}

const ADAPTER: DialectAdapter = Object.assign(new PostgresAdapter(), {
  // The migrator would take a lock of the session, which a failed transaction cannot give back (migrate.ts locks).
  acquireMigrationLock: () => Promise.resolve(),
  releaseMigrationLock: () => Promise.resolve(),
});

function driverOn(on: SqlTransaction): Driver {
  const connection: DatabaseConnection = {
    async executeQuery<Row>({ sql, parameters }: { sql: string; parameters: readonly unknown[] }) {
      // Without parameters the text may hold several statements, as migrations do.
      return toResult<Row>(await on.query(sql, parameters.length === 0 ? undefined : parameters));
    },
    streamQuery() {
      throw new Error('Rows are not streamed: ask for a bounded number of them.');
    },
  };
  const none = async (): Promise<void> => undefined;
  const refused = (): Promise<never> =>
    Promise.reject(new Error('Transactions are begun on the database, not on its queries.'));
  return {
    init: none,
    acquireConnection: () => Promise.resolve(connection),
    beginTransaction: refused,
    commitTransaction: refused,
    rollbackTransaction: refused,
    releaseConnection: none,
    destroy: none,
  };
}

/** The codec's edge: what the columns hold is what tables.ts says, as the migrations made it. */
function toResult<Row>(rows: readonly unknown[]): QueryResult<Row> {
  return { rows: rows as Row[] };
}
