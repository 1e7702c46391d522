// The engine on an embedded database: one node, on a folder that outlives the process. Rules: LOG-1 … LOG-14,
// BUS-1.
// PGlite never calls fsync: what was answered survives a killed process, not a power cut.

import type { Engine } from '../../seams/engine.ts';
import { createLocalBus } from '../local-bus.ts';
import { createAttempts } from './attempts.ts';
import type { SqlDatabase } from './database.ts';
import { createDatabaseLog } from './database-log.ts';
import { LOG_CHANNEL } from './hint-words.ts';
import { migrate } from './migrate.ts';

export interface PgliteEngineOptions {
  /** Stays the user's: the engine never closes it. */
  readonly database: SqlDatabase;
  /** How long an idempotency key is remembered, and a producer after its last event, ms. Default 10 min. */
  readonly keyWindowMs?: number;
}

/** PGlite has no autovacuum, so deleted rows would keep their room for ever: it is asked for after this many. */
const VACUUM_AFTER_ROWS = 20_000;

/**
 * An engine whose log is in an embedded PostgreSQL. Begins to migrate at once; a failure to is told by the calls
 * that follow, each of which tries again. A hub on it keeps its outbox in the same database.
 */
export function pgliteEngine(options: PgliteEngineOptions): Engine {
  const { database } = options;
  let deletedRows = 0;
  let stopListening: () => Promise<void> = () => Promise.resolve();
  const schema = createAttempts(() => migrate(database));
  const listening = createAttempts(async () => {
    stopListening = await database.listen(
      LOG_CHANNEL,
      (payload) => log.notified(payload),
      () => log.listeners.refresh(),
    );
  });

  const log = createDatabaseLog({
    database,
    keyWindowMs: options.keyWindowMs ?? 600_000,
    async ready() {
      await schema.ready();
      await listening.ready();
    },
    onSchemaGone: schema.undone,
    async onTrimmed(rows) {
      deletedRows += rows;
      if (deletedRows < VACUUM_AFTER_ROWS) return;
      deletedRows = 0;
      await database.query('vacuum millrace.entry, millrace.producer, millrace.channel');
    },
  });
  const bus = createLocalBus();

  return {
    log,
    bus,
    database,
    capabilities: { name: 'pglite', survives: 'killed-process', nodes: 'one' },
    async close() {
      await Promise.all([log.close(), bus.close()]);
      await listening.started().catch(() => undefined);
      await stopListening();
    },
  };
}
