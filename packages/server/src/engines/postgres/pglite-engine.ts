// The engine on an embedded database: one node, on a folder that outlives the process. Rules: LOG-1 … LOG-14,
// BUS-1.
// PGlite never calls fsync: what was answered survives a killed process, not a power cut.

import type { Engine } from '../../seams/engine.ts';
import { createLocalBus } from '../local-bus.ts';
import type { SqlDatabase } from './database.ts';
import { createDatabaseLog } from './database-log.ts';
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
  let attempt = start();

  function start(): {
    readonly epoch: Promise<string>;
    readonly end: Promise<() => Promise<void>>;
  } {
    const epoch = migrate(database);
    const end = epoch.then((name) =>
      database.listen('millrace_log', (payload) => log.notified(payload, name)),
    );
    // Told by the next call; nobody may be waiting now.
    end.catch(() => undefined);
    return { epoch, end };
  }

  const log = createDatabaseLog({
    database,
    keyWindowMs: options.keyWindowMs ?? 600_000,
    async ready() {
      const current = attempt;
      try {
        await current.end;
      } catch {
        // This attempt failed, for everybody who waited for it: the first of them begins the next.
        if (attempt === current) attempt = start();
        await attempt.end;
      }
      return attempt.epoch;
    },
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
      const stopListening = await attempt.end.catch(() => undefined);
      await stopListening?.();
    },
  };
}
