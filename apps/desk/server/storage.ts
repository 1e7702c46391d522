// Everything that Desk keeps, as its parts ask for it. The embedded database is behind it (database/).

import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { GeneratedMessage } from '../shared/api.ts';
import type { MarketStore } from './floor/market-store.ts';
import type { Users } from './identity/users.ts';
import type { Lease, LeaseHolding } from './lease/lease.ts';

export interface Storage {
  /** For the engine, the schedule and the health check. */
  readonly sql: SqlDatabase;
  readonly users: Users;
  readonly market: MarketStore;
  /** Takes part in what only one node does, under a name. */
  lease(name: string, holding: LeaseHolding): Promise<Lease>;
  /** Runs `work` in one transaction: `insert` writes messages in it, `tx` lets the hub join it. */
  inMessageTransaction(
    work: (
      insert: (messages: readonly GeneratedMessage[]) => Promise<void>,
      tx: SqlTransaction,
    ) => Promise<void>,
  ): Promise<void>;
  close(): Promise<void>;
}
