// Brings a database to the newest version of the engine's schema, one node after the other. Rule: LOG-11.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from './database.ts';
import { sqlState } from './engine-error.ts';
import { MIGRATIONS } from './migrations.ts';

/** Any number that nobody else uses: two nodes that start together migrate one after the other. */
const LOCK = 7_305_211_947;

/**
 * All in one transaction. A role that finds everything as it should be needs no right to make anything.
 */
export async function migrate(database: SqlDatabase): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
    try {
      await checkIsolation(tx);
      await ensureRecord(tx);
      await applyMissing(tx);
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

/** Asked first: PostgreSQL wants the right to make a schema even where there is nothing to make. */
async function ensureRecord(tx: SqlTransaction): Promise<void> {
  const [row] = await tx.query(
    "select to_regnamespace('millrace') as schema, to_regclass('millrace.migration') as record",
    [],
  );
  if (row?.['schema'] === null) await tx.query('create schema millrace');
  if (row?.['record'] !== null) return;
  await tx.query(`
    create table millrace.migration (
      version integer primary key,
      applied_at timestamptz not null default now()
    )
  `);
}

async function applyMissing(tx: SqlTransaction): Promise<void> {
  const [row] = await tx.query(
    'select coalesce(max(version), 0)::integer as version from millrace.migration',
  );
  const current = Number(row?.['version']);
  if (current > MIGRATIONS.length) {
    throw new MillraceError(
      'settings/invalid',
      `This database was written by a newer Millrace (schema ${current}, this one knows ${MIGRATIONS.length}). Update the server.`,
    );
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < current) continue;
    await tx.query(sql);
    await tx.query('insert into millrace.migration (version) values ($1)', [index + 1]);
  }
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
