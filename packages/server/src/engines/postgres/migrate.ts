// Brings a database to the newest version of the engine's schema, and names its incarnation. Rule: LOG-11.

import { createHash } from 'node:crypto';
import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from './database.ts';
import { MIGRATIONS } from './migrations.ts';

/** Any number that nobody else uses: two nodes that start together migrate one after the other. */
const LOCK = 7_305_211_947;

/** Migrates and answers the epoch, all in one transaction. */
export async function migrate(database: SqlDatabase): Promise<string> {
  return database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await tx.query(`
      create schema if not exists millrace;
      create table if not exists millrace.migration (
        version integer primary key,
        applied_at timestamptz not null default now()
      );
    `);
    await applyMissing(tx);
    return readEpoch(tx);
  });
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

/**
 * The token says which creation of the schema it is, the system identifier which database cluster, the timeline
 * which branch after a restore. A folder that was kept keeps all three; a lost or replaced one has others.
 */
async function readEpoch(tx: SqlTransaction): Promise<string> {
  const [row] = await tx.query(`
    select concat_ws(' ', token, system_identifier, timeline_id) as name
    from millrace.incarnation, pg_control_system(), pg_control_checkpoint()
  `);
  return createHash('sha256').update(String(row?.['name'])).digest('base64url').slice(0, 16);
}
