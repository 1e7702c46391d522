// Brings tables of ours in a database to their newest version, one node after the other: the engine's, the outbox', those
// of AI runs, each with a record of its own in the schema that they share. A role that finds everything as it should be
// needs no right to make anything. Rule: LOG-11.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlTransaction } from './database.ts';

/** Any number that nobody else uses: two nodes that start together migrate one after the other. */
const LOCK = 7_305_211_947;

export interface SchemaVersions {
  /** The table in the schema `millrace` that remembers which versions were applied. */
  readonly record: string;
  /** Index 0 is version 1. One that has been published is never edited. */
  readonly migrations: readonly string[];
  /** Whose tables they are, as the beginning of a sentence: "This database's outbox was". */
  readonly subject: string;
}

/**
 * All in one transaction.
 * @throws MillraceError `settings/invalid` for tables that a newer version made
 */
export async function migrateSchema(
  database: SqlDatabase,
  versions: SchemaVersions,
): Promise<void> {
  await database.transaction(async (tx) => {
    await lockSchema(tx);
    await applyVersions(tx, versions);
  });
}

/** Until the transaction's end. */
export async function lockSchema(tx: SqlTransaction): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
}

/** Under the lock. Each version is run once, with the record of it. */
export async function applyVersions(
  tx: SqlTransaction,
  { record, migrations, subject }: SchemaVersions,
): Promise<void> {
  await ensureRecord(tx, record);
  const [row] = await tx.query(
    `select coalesce(max(version), 0)::integer as version from millrace.${record}`,
  );
  const current = Number(row?.['version']);
  if (current > migrations.length) {
    throw new MillraceError(
      'settings/invalid',
      `${subject} written by a newer Millrace (schema ${current}, this one knows ${migrations.length}). Update the server.`,
    );
  }
  for (const [index, sql] of migrations.entries()) {
    if (index < current) continue;
    await tx.query(sql);
    await tx.query(`insert into millrace.${record} (version) values ($1)`, [index + 1]);
  }
}

/** Asked first: PostgreSQL wants the right to make a schema even where there is nothing to make. */
async function ensureRecord(tx: SqlTransaction, record: string): Promise<void> {
  const [row] = await tx.query(
    `select to_regnamespace('millrace') as schema, to_regclass('millrace.${record}') as record`,
    [],
  );
  if (row?.['schema'] === null) await tx.query('create schema millrace');
  if (row?.['record'] !== null) return;
  await tx.query(`
    create table millrace.${record} (
      version integer primary key,
      applied_at timestamptz not null default now()
    )
  `);
}
