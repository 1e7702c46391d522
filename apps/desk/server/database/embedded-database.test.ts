// The embedded database across its thread: order, transactions, errors, notifications, its death, its end.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { MillraceError } from '@millrace/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fillDataFolder } from '../testing/data-template.ts';
import { eventually } from '../testing/eventually.ts';
import {
  type EmbeddedDatabase,
  type EmbeddedDatabaseOptions,
  openEmbeddedDatabase,
} from './embedded-database.ts';

let folder = '';
let workers: Worker[] = [];
const noted = (worker: Worker): void => {
  workers.push(worker);
};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-embedded-'));
  await fillDataFolder(folder);
  process.on('worker', noted);
});
afterAll(async () => {
  process.off('worker', noted);
  await rm(folder, { recursive: true, force: true });
});

/** On one folder for all. */
function open(options: Partial<EmbeddedDatabaseOptions> = {}): Promise<EmbeddedDatabase> {
  workers = [];
  return openEmbeddedDatabase({ folder: join(folder, 'pg'), ...options });
}

describe('open', () => {
  let database: EmbeddedDatabase;
  beforeAll(async () => {
    database = await open({ idleTransactionMs: 200 });
    await database.query('create table noted (n int8 primary key)');
  });
  afterEach(() => database.query('truncate noted'));
  afterAll(() => database.close());

  test('values are those of the driver for servers: int8 and numeric text, time a Date, JSON parsed', async () => {
    const [row] = await database.query(
      `select 9007199254740993::int8 as big, '{1,2}'::int8[] as many, 1.50::numeric(20,4) as money,
        '2026-01-02T03:04:05.678Z'::timestamptz as at, date '2026-01-02' as day, '{"b":1,"a":[2]}'::json as json`,
    );
    expect(row).toEqual({
      big: '9007199254740993',
      many: ['1', '2'],
      money: '1.5000',
      at: new Date('2026-01-02T03:04:05.678Z'),
      day: '2026-01-02',
      json: { b: 1, a: [2] },
    });
  });

  test('several statements answer with the rows of the last', async () => {
    expect(await database.query('select 1 as one; select 2 as two')).toEqual([{ two: 2 }]);
    expect(await database.query('select $1::int as n', [3])).toEqual([{ n: 3 }]);
  });

  test("an error is the driver's, with its SQLSTATE, and the next statement works", async () => {
    await database.query('insert into noted values ($1)', [1]);
    await expect(database.query('insert into noted values ($1)', [1])).rejects.toMatchObject({
      code: '23505',
      constraint: 'noted_pkey',
      message: expect.stringContaining('duplicate key'),
    });
    await expect(database.query('select $1::text', [() => 1])).rejects.toThrow('cloned');
    expect(await database.query('select 1 as one', [])).toEqual([{ one: 1 }]);
  });

  test('a statement on the outer handle waits for the transaction and sees what it committed', async () => {
    let outer: Promise<unknown> = Promise.resolve();
    await database.transaction(async (tx) => {
      await tx.query('insert into noted values (1)');
      outer = database.query('select count(*)::int as count from noted', []);
      await tx.query('insert into noted values (2)');
    });
    expect(await outer).toEqual([{ count: 2 }]);
  });

  test('statements of one transaction run in the order of their calls, awaited or not', async () => {
    await database.transaction(async (tx) => {
      const all = [1, 2, 3].map((n) => tx.query('insert into noted values ($1)', [n]));
      expect(await tx.query('select n from noted order by n', [])).toHaveLength(3);
      await Promise.all(all);
    });
  });

  test('what fails or is refused rolls back whole, and its reason comes out', async () => {
    const reason = new Error('refused');
    const failing = database.transaction(async (tx) => {
      await tx.query('insert into noted values (1)');
      throw reason;
    });
    await expect(failing).rejects.toBe(reason);
    const swallowing = database.transaction(async (tx) => {
      await tx.query('insert into noted values (2)');
      await tx.query('select 1/0').catch(() => undefined);
    });
    await expect(swallowing).rejects.toMatchObject({ code: '25P02' });
    expect(await database.query('select * from noted', [])).toEqual([]);
  });

  test('many transactions at once run one after the other and lose nothing', async () => {
    await database.query('insert into noted values (0)');
    const bump = (): Promise<unknown> =>
      database.transaction(async (tx) => {
        const [row] = await tx.query('select n from noted', []);
        await tx.query('update noted set n = $1', [Number(row?.['n']) + 1]);
      });
    await Promise.all(Array.from({ length: 50 }, bump));
    expect(await database.query('select n from noted', [])).toEqual([{ n: '50' }]);
  });

  test('a transaction that waits for the outer handle is told instead of waiting for ever', async () => {
    let outer: Promise<unknown> = Promise.resolve();
    const stuck = database.transaction(async (tx) => {
      await tx.query('insert into noted values (1)');
      outer = database.query('select * from noted', []);
      await outer;
      await tx.query('insert into noted values (2)');
    });
    await expect(stuck).rejects.toMatchObject({ code: 'server/internal' });
    expect(await outer).toEqual([]);
  });

  test('a transaction that is over takes no more statements', async () => {
    const tx = await database.transaction(async (open) => open);
    await expect(tx.query('insert into noted values (1)')).rejects.toMatchObject({
      code: 'request/invalid',
    });
  });

  test('a notification comes once it is committed, until its listener ends', async () => {
    const heard: string[] = [];
    const stop = await database.listen('some_channel', (payload) => heard.push(payload));
    await database.transaction(async (tx) => {
      await tx.query(`select pg_notify('some_channel', 'one')`, []);
      expect(heard).toEqual([]);
    });
    await eventually('it was heard', () => heard.length === 1);
    await stop();
    await database.query(`select pg_notify('some_channel', 'two')`, []);
    expect(heard).toEqual(['one']);
  });
});

test('closing lets what is under way finish, and refuses what comes later', async () => {
  const database = await open();
  const last = database.query('insert into noted values (7) returning n', []);
  const closing = database.close();
  await expect(database.query('select 1')).rejects.toMatchObject({ code: 'engine/closed' });
  await expect(database.transaction(async () => 1)).rejects.toMatchObject({
    code: 'engine/closed',
  });
  expect(await last).toEqual([{ n: '7' }]);
  await closing;
  await database.close();
});

test('what waits behind a transaction has its turn before the database closes', async () => {
  const database = await open();
  const { promise: begun, resolve: hasBegun } = Promise.withResolvers<void>();
  const { promise: may, resolve: goOn } = Promise.withResolvers<void>();
  const transaction = database.transaction(async (tx) => {
    await tx.query('insert into noted values (8)', []);
    hasBegun();
    await may;
  });
  await begun;
  const behind = Promise.allSettled([
    database.query('insert into noted values (9) returning n', []),
    database.query('insert into noted values (9)', []),
    database.transaction((tx) => tx.query('select 1 as one', [])),
  ]);
  const closing = database.close();
  goOn();
  await transaction;
  expect(await behind).toMatchObject([
    { value: [{ n: '9' }] },
    { reason: { code: '23505' } },
    { reason: { code: 'engine/closed' } },
  ]);
  await closing;
});

test('the death of its thread is told once, ends all that waits, and refuses the rest', async () => {
  const deaths: MillraceError[] = [];
  const database = await open({ onDeath: (error) => deaths.push(error) });
  const waiting = [
    database.query('select pg_sleep(5)', []),
    database.query('select 1', []),
    database.transaction((tx) => tx.query('select 1')),
    database.listen('some_channel', () => undefined),
  ];
  const settled = Promise.allSettled(waiting);
  await workers[0]?.terminate();
  for (const one of await settled) {
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'engine/unavailable' } });
  }
  expect(deaths).toHaveLength(1);
  expect(deaths[0]?.message).toMatch(/^The embedded database has stopped .* Restart Desk/);
  await expect(database.query('select 1')).rejects.toBe(deaths[0]);
  await database.close();
});

test('a thread that dies inside a transaction ends it, too', async () => {
  const database = await open();
  const dying = database.transaction(async (tx) => {
    await tx.query('create table half_written (n int)');
    await workers[0]?.terminate();
  });
  await expect(dying).rejects.toMatchObject({ code: 'engine/unavailable' });
  await database.close();
  const again = await open();
  expect(await again.query(`select to_regclass('half_written') as there`, [])).toEqual([
    { there: null },
  ]);
  await again.close();
});

test('a folder that cannot be opened is one error at the opening', async () => {
  await expect(open({ folder: join(folder, 'no', 'such', 'parent') })).rejects.toMatchObject({
    code: 'engine/unavailable',
  });
});
