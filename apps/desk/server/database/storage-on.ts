// What Desk keeps, on a database of either kind. Refuses to own: opening it, its lifetime, leases.

import type { SqlDatabase } from '@millrace/server/postgres';
import type { Storage } from '../storage.ts';
import { insertAgentMessages } from './agent-message-rows.ts';
import { databaseMarketStore } from './database-market-store.ts';
import { databaseUsers } from './database-users.ts';

export function storageOn(
  database: SqlDatabase,
  options: { readonly hasAutovacuum: boolean },
): Pick<Storage, 'sql' | 'users' | 'market' | 'inMessageTransaction'> {
  return {
    sql: database,
    users: databaseUsers(database),
    market: databaseMarketStore(database, options),
    inMessageTransaction: (work) =>
      database.transaction((tx) => work((messages) => insertAgentMessages(tx, messages), tx)),
  };
}
