// What an event costs a node that others read it on: one notification and one read at most, however many read it there.

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { range } from '../../testing/engine-cases/engine-case.ts';
import { openPostgresNode } from '../../testing/postgres-node.ts';
import { type PostgresServer, startPostgres } from '../../testing/postgres-server.ts';
import { on, runCore, textsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';

const events = 50;

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

interface Traffic {
  notifications: number;
  reads: number;
}

/** A pool, and what goes over all of its clients. */
function countedPool(): { readonly pool: pg.Pool; readonly traffic: Traffic } {
  const traffic: Traffic = { notifications: 0, reads: 0 };
  const pool = new pg.Pool({ connectionString: server.url() });
  pool.on('connect', (client) => {
    client.on('notification', ({ channel }) => {
      if (channel === 'millrace_log') traffic.notifications += 1;
    });
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    const counted = (...args: unknown[]): unknown => {
      if (String(args[0]).includes('millrace.read_page')) traffic.reads += 1;
      return query(...args);
    };
    client.query = counted as typeof client.query;
  });
  return { pool, traffic };
}

/** One node publishes, another has so many readers; what the other one hears and reads. */
async function trafficOf(readers: number): Promise<Traffic> {
  const { pool, traffic } = countedPool();
  const quiet = { reconcileMs: 60_000 };
  await using here = openPostgresNode(new pg.Pool({ connectionString: server.url() }), quiet);
  await using there = openPostgresNode(pool, quiet);
  await using near = runCore({ engine: here.engine });
  await using far = runCore({ engine: there.engine });
  const notes = openNotes.of({ id: `${readers}` });
  const links = range(1, readers).map(() => far.open(on(notes)));
  await Promise.all(links.map((link) => link.next('verdict')));
  // Resolves once others are heard.
  await there.engine.bus.subscribe('warm', () => undefined);
  await near.publish(notes, 'heard');
  await waitUntil('the first', () => links.every((link) => textsOf(link).length === 1));

  const before = { ...traffic };
  for (const step of range(1, events)) await near.publish(notes, `${step}`);
  await waitUntil('all of them', () => links.every((link) => textsOf(link).length === events + 1));
  return {
    notifications: traffic.notifications - before.notifications,
    reads: traffic.reads - before.reads,
  };
}

test('LOG-7: an event costs another node one notification and one read at most, whether one reads it there or a hundred', async () => {
  for (const { notifications, reads } of [await trafficOf(1), await trafficOf(100)]) {
    expect(notifications).toBeGreaterThan(0);
    expect(notifications).toBeLessThanOrEqual(events);
    expect(reads).toBeGreaterThan(0);
    // One for the first event may come late.
    expect(reads).toBeLessThanOrEqual(events + 1);
  }
});
