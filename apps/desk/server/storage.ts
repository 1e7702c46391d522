// Everything that Desk keeps, as its parts ask for it. A database is behind it (database/): embedded, or a server.

import type { Engine } from '@millrace/server';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import type { GeneratedMessage } from '../shared/api.ts';
import type { MarketStore } from './floor/market-store.ts';
import type { Users } from './identity/users.ts';
import type { Lease, LeaseHolding } from './lease/lease.ts';

export interface Storage {
  /** For the outbox, the schedule and the health check. */
  readonly sql: SqlDatabase;
  /** Whether it is a server, on which other nodes may be. */
  readonly isShared: boolean;
  readonly users: Users;
  readonly market: MarketStore;
  /** Channels in the same database. The caller's to close, before the storage. */
  openEngine(): Engine;
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
