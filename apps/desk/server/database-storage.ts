// Everything that Desk keeps, in the embedded database of its data folder.

import type { MillraceError } from '@millrace/protocol';
import { pgliteEngine } from '@millrace/server/postgres';
import { migrate } from './database/migrate.ts';
import { openDataFolder } from './database/open-data-folder.ts';
import { storageOn } from './database/storage-on.ts';
import { soleLease } from './lease/lease.ts';
import type { Storage } from './storage.ts';

export interface StorageOptions {
  /** Told once when the database stops by itself. Everything asked of it after that is refused. */
  readonly onDeath?: (error: MillraceError) => void;
}

/**
 * Opens what is kept in a folder, which is made when it is missing.
 * @throws MillraceError `settings/data-locked`, `settings/invalid`, `engine/unavailable`
 */
export async function openStorage(folder: string, options: StorageOptions = {}): Promise<Storage> {
  const database = await openDataFolder(folder, options);
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    ...storageOn(database, { hasAutovacuum: false }),
    isShared: false,
    openEngine: () => pgliteEngine({ database }),
    // Nobody else can open the folder.
    lease: (_name, holding) => soleLease(holding),
    close: () => database.close(),
  };
}
