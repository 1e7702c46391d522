// Brings a database to the newest version of the engine's schema, one node after the other. Rule: LOG-11.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from './database.ts';
import { sqlState } from './engine-error.ts';
import { MIGRATIONS } from './migrations.ts';
import { applyVersions, lockSchema, type SchemaVersions } from './schema-versions.ts';

const VERSIONS: SchemaVersions = {
  record: 'migration',
  migrations: MIGRATIONS,
  subject: 'This database was',
};

/**
 * All in one transaction. A role that finds everything as it should be needs no right to make anything.
 */
export async function migrate(database: SqlDatabase): Promise<void> {
  await database.transaction(async (tx) => {
    await lockSchema(tx);
    try {
      await checkIsolation(tx);
      await applyVersions(tx, VERSIONS);
      await tx.query('select millrace.epoch()', []);
    } catch (thrown) {
      throw missingRight(thrown);
    }
  });
}

/** Each statement of an append must see what was committed while it waited for a channel's lock. */
async function checkIsolation(tx: SqlTransaction): Promise<void> {
  const [row] = await tx.query(
    "select current_setting('default_transaction_isolation') as name",
    [],
  );
  const name = String(row?.['name']);
  if (name === 'read committed') return;
  throw new MillraceError(
    'settings/invalid',
    `The database role's default_transaction_isolation is "${name}". The engine needs "read committed".`,
  );
}

/** Without pg_control_system a failover could not be told from a restart: there is no working without it. */
function missingRight(thrown: unknown): unknown {
  if (sqlState(thrown) !== '42501' || !(thrown instanceof Error)) return thrown;
  return new MillraceError(
    'settings/invalid',
    `The database role lacks a right: ${thrown.message}. It must own the schema "millrace" (create schema millrace authorization ROLE), and execute pg_control_system(), pg_current_wal_lsn() and pg_walfile_name(pg_lsn).`,
    { cause: thrown },
  );
}
