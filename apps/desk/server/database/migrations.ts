// Every version of Desk's tables, in order. A version that has been published is never edited: a later one changes it.
// The SQL keeps to PostgreSQL 15.

import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { DESK_TABLES } from './migrations/001-desk.ts';
import { LEASES } from './migrations/002-leases.ts';
import { USERS_RUNS } from './migrations/003-users-runs.ts';
import { CHAT } from './migrations/004-chat.ts';
import type { Tables } from './tables.ts';

const run = (text: string): Migration => ({
  async up(db: Kysely<Tables>) {
    await sql.raw(text).execute(db);
  },
});

/** Run in the order of their names, each once. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '001-desk': run(DESK_TABLES),
  '002-leases': run(LEASES),
  '003-users-runs': run(USERS_RUNS),
  '004-chat': run(CHAT),
};
