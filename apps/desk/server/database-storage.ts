// Everything that Desk keeps, in the embedded database of its data folder.

import type { MillraceError } from '@millrace/protocol';
import { insertAgentMessages } from './database/agent-message-rows.ts';
import { databaseMarketStore } from './database/database-market-store.ts';
import { databaseUsers } from './database/database-users.ts';
import { migrate } from './database/migrate.ts';
import { openDataFolder } from './database/open-data-folder.ts';
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
    sql: database,
    users: databaseUsers(database),
    market: databaseMarketStore(database),
    // Nobody else can open the folder.
    lease: (_name, holding) => soleLease(holding),
    inMessageTransaction: (work) =>
      database.transaction((tx) => work((messages) => insertAgentMessages(tx, messages), tx)),
    close: () => database.close(),
  };
}
