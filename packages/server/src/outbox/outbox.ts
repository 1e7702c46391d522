// The outbox of a hub: writes rows in transactions of the user's, and runs the relay that appends them once they are
// committed. Refuses to own: what may be published (publish-in-transaction.ts). Rules: OUT-1 … OUT-9.

import { randomUUID } from 'node:crypto';
import { type Limits, MillraceError } from '@millrace/protocol';
import { toEngineError } from '../engines/postgres/engine-error.ts';
import type { SqlDatabase } from '../seams/database.ts';
import type { Log } from '../seams/log.ts';
import { createDelivery, type DeliveryOptions } from './deliver.ts';
import { encodeRow, type OutboxRequest } from './outbox-row.ts';
import { migrateOutbox } from './outbox-schema.ts';
import { OUTBOX_NOTIFIED, outboxStore, WRITE } from './outbox-store.ts';
import { RELAY_TIMING, type RelayTiming, startRelay } from './relay.ts';
import { createTeller } from './teller.ts';

/** Where what is published in a transaction waits until it has been appended. */
export interface OutboxOptions {
  /** The database of the transactions. Stays the user's: the hub never closes it. All hubs on it use one engine. */
  readonly database: SqlDatabase;
}

/**
 * What `publish` takes as `tx`: whatever runs SQL inside a transaction of the outbox's database. A client of `pg` after
 * its `begin`, a transaction of PGlite, one of a `SqlDatabase`. What it answers is not looked at.
 */
export interface OutboxTransaction {
  query(sql: string, params: unknown[]): Promise<unknown>;
}

/** As this hub saw it within the last seconds. */
export interface OutboxStats {
  /** Committed and not yet appended; counted up to a little over `maxOutboxEvents`. */
  readonly waiting: number;
  /** How long ago the oldest of them was written, ms; 0 when none waits. */
  readonly oldestMs: number;
  /** Kept in `millrace.outbox_refused`. */
  readonly refused: number;
  /** Whether it is this hub that appends them. */
  readonly isRelaying: boolean;
}

export interface Outbox {
  /** Writes rows in the transaction, in this order; the relay looks for them until they are committed, and appends them. */
  write(tx: OutboxTransaction, requests: readonly OutboxRequest[]): Promise<void>;
  /**
   * Resolves once what was committed before the call has been appended or moved aside.
   * @throws MillraceError `engine/unavailable` when that takes longer
   */
  relayed(withinMs: number): Promise<void>;
  stats(): OutboxStats;
  /** Ends after what is under way; what still waits stays in the database. Idempotent. */
  close(): Promise<void>;
}

export interface OutboxParts extends OutboxOptions {
  readonly log: Pick<Log, 'read' | 'forget'>;
  readonly append: DeliveryOptions['append'];
  readonly onChanged: DeliveryOptions['onChanged'];
  readonly limits: Limits;
  readonly onError: (error: MillraceError) => void;
  readonly timing?: RelayTiming;
}

const MAX_ROWS = 500;
const MAX_BYTES = 1_048_576;
const RETRY_AFTER_MS = 1_000;

/** Begins to bring the schema up at once, so that no transaction that comes later has to wait behind itself. */
export function createOutbox(parts: OutboxParts): Outbox {
  const { database, limits, onError } = parts;
  const timing = parts.timing ?? RELAY_TIMING;
  let problem: MillraceError | null = null;
  let migrating: Promise<void> | null = migrate();
  const first = migrating;

  /** Never rejects: the failure is told by whoever asks next. */
  async function migrate(): Promise<void> {
    try {
      await migrateOutbox(database);
      problem = null;
    } catch (thrown) {
      problem = toEngineError(thrown);
    }
  }

  /** Tries anew where it failed. */
  async function ready(): Promise<void> {
    migrating ??= migrate();
    await migrating;
    if (problem === null) return;
    migrating = null;
    throw problem;
  }

  const store = outboxStore({
    ...{ database, leaseMs: timing.leaseMs, maxRows: MAX_ROWS, maxBytes: MAX_BYTES },
    holder: randomUUID(),
    maxCounted: limits.maxOutboxEvents + MAX_ROWS,
  });
  const relay = startRelay({
    ...{ store, ready, timing, onError, log: parts.log },
    deliver: createDelivery(parts),
    listen: (ring) => database.listen(OUTBOX_NOTIFIED, ring),
  });
  const tell = createTeller({ ring: relay.ring, tell: store.tell, onError });

  return {
    async write(tx, requests) {
      if (requests.length === 0) return;
      if (relay.seen.waiting >= limits.maxOutboxEvents) throw full(relay.seen.waiting);
      // No later attempt: on a database with one connection it waits until this transaction is over.
      await first;
      if (problem !== null) throw problem;
      try {
        await tx.query(WRITE, [JSON.stringify(requests.map(encodeRow))]);
      } catch (thrown) {
        throw toEngineError(thrown);
      }
      tell();
    },
    async relayed(withinMs) {
      const giveUpAt = performance.now() + withinMs;
      try {
        await ready();
        const newest = await store.newest();
        if (newest === null) return;
        for (let pauseMs = 2; await store.isWaiting(newest); pauseMs = Math.min(pauseMs * 2, 100)) {
          if (performance.now() > giveUpAt) throw late(withinMs);
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      } catch (thrown) {
        throw toEngineError(thrown);
      }
    },
    stats() {
      const { waiting, oldestMs, refused } = relay.seen;
      return { waiting, oldestMs, refused, isRelaying: relay.isRelaying };
    },
    close: relay.close,
  };
}

function full(waiting: number): MillraceError {
  return new MillraceError(
    'server/overloaded',
    `${waiting} events wait in the outbox. Try again in a moment.`,
    { details: { retryAfterMs: RETRY_AFTER_MS } },
  );
}

function late(withinMs: number): MillraceError {
  return new MillraceError(
    'engine/unavailable',
    `What was committed has not been appended within ${withinMs} ms. It will be, as soon as the engine can.`,
  );
}
