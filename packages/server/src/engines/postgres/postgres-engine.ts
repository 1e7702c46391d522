// The engine on a PostgreSQL server, for any number of nodes: offsets come from the database, what one node appends the
// others are told of, and each looks now and then by itself. Rules: LOG-1 … LOG-16, BUS-1, BUS-2.
// Refuses to own: the pool, and with it the user's settings of durability.

import { randomBytes } from 'node:crypto';
import type { Engine } from '../../seams/engine.ts';
import { createAttempts } from './attempts.ts';
import { BUS_CHANNEL } from './bus-words.ts';
import { createDatabaseLog } from './database-log.ts';
import { createHeadCheck } from './head-check.ts';
import { createHintSender } from './hint-sender.ts';
import { LOG_CHANNEL } from './hint-words.ts';
import { migrate } from './migrate.ts';
import { createNotifyBus } from './notify-bus.ts';
import type { PostgresDatabase } from './postgres-database.ts';
import { HEADS } from './rows.ts';

export interface PostgresEngineOptions {
  /** Stays the user's: the engine never ends its pool. */
  readonly database: PostgresDatabase;
  /** How long an idempotency key is remembered, and a producer after its last event, ms. Default 10 min. */
  readonly keyWindowMs?: number;
  /** How often the heads of the channels that are read here are looked up, should a hint get lost, ms. Default 5,000. */
  readonly reconcileMs?: number;
}

/**
 * An engine whose log is in a PostgreSQL server (15 or newer) that several nodes share. Begins to migrate at once, one
 * node after the other; a failure to is told by the calls that follow, each of which tries again. Keeps one connection
 * of its own for what nodes tell each other. A hub on it keeps its outbox in the same database.
 */
export function postgresEngine(options: PostgresEngineOptions): Engine {
  const { database, keyWindowMs = 600_000, reconcileMs = 5_000 } = options;
  const origin = randomBytes(9).toString('base64url');
  const schema = createAttempts(() => migrate(database));

  const line = database.openLine([LOG_CHANNEL, BUS_CHANNEL], {
    heard(channel, payload) {
      if (channel === BUS_CHANNEL) bus.heard(payload);
      else log.notified(payload, origin);
    },
    missed() {
      bus.missed();
      sender.resume();
      heads.soon();
    },
  });
  const sender = createHintSender({ origin, tell: line.tell });
  const bus = createNotifyBus({ origin, tell: line.tell, up: line.up });
  const log = createDatabaseLog({
    database,
    keyWindowMs,
    answerWithinMs: database.answerWithinMs,
    ready: schema.ready,
    onSchemaGone: schema.undone,
    // The server has autovacuum.
    onTrimmed: () => Promise.resolve(),
    onAppended: sender.moved,
    onDoubt: () => heads.soon(),
  });
  const heads = createHeadCheck({
    everyMs: reconcileMs,
    channels: log.listeners.channels,
    look: (channels) => database.query(HEADS, [channels]),
    found: log.listeners.hint,
    emptied: log.listeners.refresh,
  });

  return {
    log,
    bus,
    database,
    capabilities: { name: 'postgres', survives: 'power-cut', nodes: 'many' },
    async close() {
      await Promise.all([log.close(), bus.close(), heads.close()]);
      await sender.close();
      await line.close();
    },
  };
}
