// Everything that Desk keeps, on a PostgreSQL server that other nodes may be on as well.

import { randomUUID } from 'node:crypto';
import type { MillraceError } from '@millrace/protocol';
import { postgresEngine } from '@millrace/server/postgres';
import { migrate } from './database/migrate.ts';
import { openServerDatabase } from './database/server-database.ts';
import { storageOn } from './database/storage-on.ts';
import { databaseLease } from './lease/lease.ts';
import type { Storage } from './storage.ts';

export interface ServerStorageOptions {
  readonly onError?: (error: MillraceError) => void;
}

/** @throws MillraceError `settings/invalid`, `engine/unavailable` */
export async function openServerStorage(
  url: string,
  { onError }: ServerStorageOptions = {},
): Promise<Storage> {
  const database = await openServerDatabase({
    url,
    ...(onError === undefined ? {} : { onError }),
  });
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  // Of this start: a node that is started again is another holder than the one that died.
  const owner = randomUUID();
  return {
    ...storageOn(database, { hasAutovacuum: true }),
    isShared: true,
    openEngine: () => postgresEngine({ database }),
    lease: (name, holding) => databaseLease(database, { ...holding, name, owner }),
    close: () => database.close(),
  };
}
