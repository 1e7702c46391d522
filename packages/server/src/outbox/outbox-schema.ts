// What the outbox keeps in a database, version by version, apart from what an engine keeps there: the two may be in
// different databases. A version that has been published is never edited. Keeps to PostgreSQL 15.

import { migrateSchema } from '../engines/postgres/schema-versions.ts';
import type { SqlDatabase } from '../seams/database.ts';

/** Index 0 is version 1. Each is run once, in one transaction with the record of it. */
const MIGRATIONS: readonly string[] = [
  `
  -- Whatever stands here was committed and is still to be appended; the relay deletes what it has appended. Ids are
  -- given out before the commit: they order the rows of one transaction, and say nothing of which are still to come.
  create table millrace.outbox (
    id bigint generated always as identity primary key,
    channel text collate "C" not null,
    kind text not null, -- event, end, forget
    body text,
    conditions text not null, -- JSON: key or producer, expect
    written_at timestamptz not null default clock_timestamp()
  );

  -- What the engine refused for good, for people to look at.
  create table millrace.outbox_refused (
    id bigint primary key,
    channel text collate "C" not null,
    kind text not null,
    body text,
    conditions text not null,
    written_at timestamptz not null,
    refused_at timestamptz not null default clock_timestamp(),
    code text not null,
    reason text not null
  );

  -- Who relays, and which rows it may have appended already: whoever comes after it begins with these.
  create table millrace.outbox_relay (
    is_only boolean primary key default true check (is_only),
    holder uuid,
    renewed_at timestamptz not null default 'epoch',
    taken bigint[] not null default '{}',
    taken_at timestamptz not null default 'epoch'
  ) with (fillfactor = 10); -- room on the page for the next versions, so that none of them needs a vacuum
  -- Inside the row: a row of another table for each batch would need one.
  alter table millrace.outbox_relay alter column taken set storage main;
  insert into millrace.outbox_relay default values;
  `,
];

/** @throws MillraceError `settings/invalid` for a database that a newer version wrote */
export function migrateOutbox(database: SqlDatabase): Promise<void> {
  const subject = "This database's outbox was";
  return migrateSchema(database, { record: 'outbox_migration', migrations: MIGRATIONS, subject });
}
