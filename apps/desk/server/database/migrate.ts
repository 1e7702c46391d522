// Brings a database to the newest version of Desk's tables. All in one transaction under one lock: two nodes that
// start together migrate one after the other, and a migration that fails leaves nothing behind.

import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase } from '@millrace/server/postgres';
import { Migrator } from 'kysely/migration';
import { MIGRATIONS } from './migrations.ts';
import { queries } from './queries.ts';

/** Any number that nobody else uses. */
const LOCK = 7_305_211_948;

/** @throws MillraceError `settings/invalid` for a database that a newer version wrote */
export async function migrate(database: SqlDatabase): Promise<void> {
  await database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await tx.query('create schema if not exists desk');
    const migrator = new Migrator({
      db: queries(tx),
      provider: { getMigrations: async () => ({ ...MIGRATIONS }) },
      migrationTableSchema: 'desk',
      migrationTableName: 'migrations',
      migrationLockTableName: 'migrations_lock',
      // The transaction is the one around all this.
      disableTransactions: true,
    });
    const known = Object.keys(MIGRATIONS);
    const { error } = await migrator.migrateToLatest();
    if (error === undefined) return;
    if (
      error instanceof Error &&
      /previously executed migration .* is missing/.test(error.message)
    ) {
      throw new MillraceError(
        'settings/invalid',
        `This database was written by a newer Desk (this one knows ${known.at(-1)}). Update Desk.`,
        { cause: error },
      );
    }
    throw error instanceof Error ? error : new Error('Migrating failed.', { cause: error });
  });
}
