// Tables of ours in a database, brought to their newest version: once each, by whoever may, and never back.

import { PGlite } from '@electric-sql/pglite';
import { expect, test } from 'vitest';
import { readyPglite } from '../../testing/ready-pglite.ts';
import { pgliteDatabase } from './pglite-database.ts';
import { migrateSchema, type SchemaVersions } from './schema-versions.ts';

test('LOG-11: each version runs once; who finds all of them needs no right, who knows fewer is refused', async () => {
  const pglite = await readyPglite(PGlite);
  const database = pgliteDatabase(pglite);
  const first = 'create table millrace.kept (n integer)';
  const second = 'alter table millrace.kept add column m integer';
  const versions = (...migrations: readonly string[]): SchemaVersions => ({
    ...{ record: 'kept_migration', subject: 'What is kept was', migrations },
  });
  await migrateSchema(database, versions(first));
  await migrateSchema(database, versions(first, second));
  await pglite.exec(`
    create role plain;
    grant usage on schema millrace to plain;
    grant select on millrace.kept_migration to plain;
    set role plain;
  `);
  await migrateSchema(database, versions(first, second));
  await expect(database.query('create schema if not exists millrace')).rejects.toThrow(
    'permission',
  );
  await expect(migrateSchema(database, versions(first))).rejects.toMatchObject({
    code: 'settings/invalid',
    message: expect.stringContaining('What is kept was written by a newer Millrace (schema 2'),
  });
  await pglite.close();
});
