// Spec A3: generation on a schedule, inside the server. The queue in the database fires each time once, however
// many nodes run; whoever takes the job writes. Off unless GENERATE_CRON says when.

import type { SqlDatabase } from '@millrace/server/postgres';
import { PgBoss } from 'pg-boss';
import type { Log } from '../log.ts';
import { bossDatabase } from './boss-database.ts';

const QUEUE = 'generate-messages';

export interface ScheduleOptions {
  readonly database: SqlDatabase;
  /** Whether it is a server, as opposed to the embedded one with its one connection. */
  readonly isShared: boolean;
  /** Five fields, UTC; empty: nothing is scheduled here, and what the database kept from before fires nothing. */
  readonly cron: string;
  run(): Promise<unknown>;
  readonly log: Log;
}

export interface Schedule {
  /** Lets a running job finish within a second. Idempotent. */
  close(): Promise<void>;
}

export async function startSchedule(options: ScheduleOptions): Promise<Schedule> {
  const { database, isShared, cron, log } = options;
  if (cron === '') return { close: async () => undefined };
  const boss = new PgBoss({
    db: bossDatabase(database),
    backend: isShared ? 'postgres' : 'pglite',
    // The schedule is one job every few minutes: the queue's own housekeeping need not be busier than that.
    superviseIntervalSeconds: 300,
    reindex: false,
    monitorVacuum: false,
  });
  boss.on('error', (err) => log.error({ err }, 'schedule failed'));
  await boss.start();
  await boss.createQueue(QUEUE, {
    // A generation that was missed is not made up for: the next one is minutes away.
    retryLimit: 0,
    expireInSeconds: 60,
    retentionSeconds: 3_600,
    deleteAfterSeconds: 3_600,
  });
  await boss.work(QUEUE, { pollingIntervalSeconds: 5 }, async () => {
    await options.run();
  });
  await boss.schedule(QUEUE, cron, null, { tz: 'UTC' });
  log.info({ cron }, 'schedule started');
  return {
    close: () => boss.stop({ graceful: true, timeout: 1_000 }),
  };
}
