// One node at a time, the next one soon after, and a fence by which a late one is refused.

import { PGlite } from '@electric-sql/pglite';
import { pgliteDatabase, type SqlDatabase } from '@millrace/server/postgres';
import { readyPglite } from '@millrace/server/testing/servers';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { LEASES } from '../database/migrations/002-leases.ts';
import { BEAT_MS, databaseLease, isStillHeld, LEASE_MS, type LeaseOptions } from './lease.ts';

let pglite: PGlite;
let database: SqlDatabase;

beforeAll(async () => {
  pglite = await readyPglite(PGlite);
  database = pgliteDatabase(pglite);
});
afterAll(() => pglite.close());
beforeEach(async () => {
  await pglite.exec(`drop schema if exists desk cascade; create schema desk; ${LEASES}`);
});

function node(owner: string, told: string[], over: Partial<LeaseOptions> = {}): LeaseOptions {
  return {
    name: 'floor',
    owner,
    async hold(fence) {
      told.push(`${owner} begins ${fence}`);
      return async (isLost) => void told.push(`${owner} ${isLost ? 'loses' : 'ends'}`);
    },
    onError(error) {
      told.push(`${owner}: ${String(error)}`);
    },
    ...over,
  };
}

test('one holds, the other waits and begins as soon as it is let go', async () => {
  const told: string[] = [];
  const first = await databaseLease(database, node('a', told));
  const second = await databaseLease(database, node('b', told));
  expect(told).toEqual(['a begins 1']);
  await first.release();
  await vi.waitFor(() => expect(told).toEqual(['a begins 1', 'a ends', 'b begins 2']), {
    timeout: BEAT_MS + 1_000,
  });
  await second.release();
});

test('a holder that cannot beat gives up before another may begin, and its writes are refused', async () => {
  const told: string[] = [];
  let isDown = false;
  const flaky: SqlDatabase = {
    ...database,
    query: (sql, params) => (isDown ? new Promise(() => undefined) : database.query(sql, params)),
  };
  await databaseLease(flaky, node('a', told));
  const second = await databaseLease(database, node('b', told));
  isDown = true;
  await vi.waitFor(() => expect(told).toHaveLength(3), { timeout: LEASE_MS + 2 * BEAT_MS });
  expect(told).toEqual(['a begins 1', 'a loses', 'b begins 2']);
  await database.transaction(async (tx) => {
    expect(await isStillHeld(tx, 'floor', 1)).toBe(false);
    expect(await isStillHeld(tx, 'floor', 2)).toBe(true);
  });
  await second.release();
});

test('one that waits begins as soon as the lease of a dead one is over', async () => {
  const told: string[] = [];
  await database.query(
    `insert into desk.leases values ('floor', 'dead', 7, clock_timestamp() + interval '700 ms')`,
  );
  const startedAt = performance.now();
  const lease = await databaseLease(database, node('a', told));
  expect(told).toEqual([]);
  await vi.waitFor(() => expect(told).toEqual(['a begins 8']), { timeout: 5_000 });
  expect(performance.now() - startedAt).toBeGreaterThan(600);
  expect(performance.now() - startedAt).toBeLessThan(BEAT_MS);
  await lease.release();
});

test('what cannot begin is left to others, and tried again', async () => {
  const told: string[] = [];
  let tries = 0;
  const lease = databaseLease(
    database,
    node('a', told, {
      async hold() {
        tries += 1;
        throw new Error('not here');
      },
    }),
  );
  await expect(lease).rejects.toThrow('not here');
  const second = await databaseLease(database, node('b', told));
  expect(told).toEqual(['a: Error: not here', 'b begins 2']);
  expect(tries).toBe(1);
  await second.release();
});
