// The schedule on a real database: fires once for two nodes, survives a failing block, is off unless asked.

import { PGlite } from '@electric-sql/pglite';
import { pgliteDatabase } from '@millrace/server/postgres';
import { readyPglite } from '@millrace/server/testing/servers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SILENT_LOG } from '../log.ts';
import { eventually } from '../testing/eventually.ts';
import { bossDatabase } from './boss-database.ts';
import { startSchedule } from './schedule.ts';

let pglite: PGlite;
beforeAll(async () => {
  pglite = await readyPglite(PGlite);
});
afterAll(() => pglite.close());

test('two nodes on one database fire a time once between them', async () => {
  const database = pgliteDatabase(pglite);
  const fired: string[] = [];
  const startedIn = Math.floor(Date.now() / 60_000);
  const node = (name: string) =>
    startSchedule({
      ...{ database, isShared: false, log: SILENT_LOG, cron: '* * * * *' },
      run: async () => fired.push(name),
    });
  // Both at the same minute, which the queue fires at once where it has not been.
  const nodes = [await node('one'), await node('two')];
  try {
    await eventually('the schedule fired', () => fired.length > 0, 14_000);
    const { rows } = await pglite.query<{ count: number }>(
      `select count(*)::int as count from pgboss.job where name = 'generate-messages'`,
    );
    // The minute that was running at the start, and one for each that began since.
    const minutes = 1 + Math.floor(Date.now() / 60_000) - startedIn;
    expect(rows[0]?.count).toBeLessThanOrEqual(minutes);
    expect(fired.length).toBeLessThanOrEqual(minutes);
  } finally {
    await Promise.all(nodes.map((one) => one.close()));
  }
});

test('without an expression nothing is started', async () => {
  const closed = { query: () => Promise.reject(new Error('touched')) };
  const database = { ...pgliteDatabase(pglite), ...closed };
  const schedule = await startSchedule({
    ...{ database, isShared: false, log: SILENT_LOG, cron: '' },
    run: () => Promise.reject(new Error('fired')),
  });
  await expect(schedule.close()).resolves.toBeUndefined();
});

test("a block of the queue's own that fails leaves no transaction behind", async () => {
  const boss = bossDatabase(pgliteDatabase(pglite));
  await expect(boss.executeSql('BEGIN; select 1; select 1/0; COMMIT;')).rejects.toThrow(
    'division by zero',
  );
  expect((await boss.executeSql('select 2 as two')).rows).toEqual([{ two: 2 }]);
  const { rows } = await boss.executeSql('\n BEGIN;\n select 3 as three;\n COMMIT;\n');
  expect(rows).toEqual([{ three: 3 }]);
});
