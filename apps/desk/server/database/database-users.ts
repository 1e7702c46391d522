// The people who have signed in, in the database.

import type { SqlDatabase } from '@millrace/server/postgres';
import type { User } from '../../shared/api.ts';
import type { Users } from '../identity/users.ts';
import { uuidv7 } from '../uuid.ts';
import { queries } from './queries.ts';

export function databaseUsers(database: SqlDatabase): Users {
  const db = queries(database);
  /** Rows are never taken away, so each is asked for once. */
  const kept = new Set<string>();
  return {
    async list() {
      const rows = await db
        .selectFrom('users')
        .select(['id', 'name', 'is_admin'])
        .where('name_key', 'is not', null)
        .orderBy('name_key')
        .limit(100)
        .execute();
      return rows.map(toUser);
    },
    async pickOrCreate(name) {
      // One statement, so that two at once meet in the index and not between a look and an insert.
      const row = await db
        .insertInto('users')
        // A bare name signs in only where everybody may do everything.
        .values({ id: uuidv7(), name, name_key: nameKey(name), is_admin: true })
        // Writes nothing new, but makes the row that was there the answer.
        .onConflict((of) =>
          of
            .column('name_key')
            .doUpdateSet((with_) => ({ name_key: with_.ref('excluded.name_key') })),
        )
        .returning(['id', 'name', 'is_admin'])
        .executeTakeFirstOrThrow();
      return toUser(row);
    },
    async keep({ id, name, isAdmin }) {
      if (kept.has(id)) return;
      const shown = name.trim().slice(0, 40).toWellFormed() || 'Somebody';
      await db
        .insertInto('users')
        // Without a key to the name: nobody signs in as them by it.
        .values({ id, name: shown, name_key: null, is_admin: isAdmin })
        .onConflict((on) => on.column('id').doNothing())
        .execute();
      if (kept.size < 10_000) kept.add(id);
    },
  };
}

/** Here rather than in SQL, whose `lower` knows only some letters, depending on how the server was set up. */
function nameKey(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

function toUser(row: { id: string; name: string; is_admin: boolean }): User {
  return { id: row.id, name: row.name, isAdmin: row.is_admin };
}
