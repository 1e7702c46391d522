// A PGlite instance as a SqlDatabase: what the seam's contract says of statements and transactions.

import { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readyPglite } from '../../testing/ready-pglite.ts';
import type { SqlDatabase } from './database.ts';
import { pgliteDatabase } from './pglite-database.ts';

let pglite: PGlite;
let database: SqlDatabase;

beforeAll(async () => {
  pglite = await readyPglite(PGlite);
  database = pgliteDatabase(pglite);
  await database.query('create table kept (n integer primary key)');
});
afterAll(() => pglite.close());

const kept = async (): Promise<unknown[]> =>
  (await database.query('select n from kept order by n', [])).map(({ n }) => n);

test('a text of several statements answers with the rows of the last', async () => {
  expect(await database.query('select 1 as a; select 2 as b')).toEqual([{ b: 2 }]);
});

test('a text with a begin of its own that fails leaves nothing behind, not even its transaction', async () => {
  const failing = 'begin; insert into kept values (1); select 1 / 0; commit';
  const failed = database.query(failing).catch((error: unknown) => error);
  // Already waiting when it fails: theirs are the next statements, before anything could be undone from here.
  const others = [1, 2, 3].map((n) =>
    database.transaction((tx) => tx.query('select $1::int', [n])),
  );
  expect(await failed).toMatchObject({ code: '22012' });
  await Promise.all(others);
  await database.query('insert into kept values (2)', []);
  expect(await kept()).toEqual([2]);
});

test('a failed text does not undo the transaction that somebody else has begun', async () => {
  const failed = database.query('select n from nowhere').catch((error: unknown) => error);
  await database.transaction(async (tx) => {
    await tx.query('insert into kept values ($1)', [3]);
    await tx.query('insert into kept values ($1)', [4]);
  });
  expect(await failed).toMatchObject({ code: '42P01' });
  expect(await kept()).toEqual(expect.arrayContaining([3, 4]));
});

test('statements on the outer handle wait for the transaction, in the order of their calls', async () => {
  const order: string[] = [];
  const transaction = database.transaction(async (tx) => {
    await tx.query('select 1', []);
    order.push('within');
  });
  const outside = ['first', 'second'].map((name) =>
    database.query('select 1', []).then(() => order.push(name)),
  );
  await Promise.all([transaction, ...outside]);
  expect(order).toEqual(['within', 'first', 'second']);
});

test('a transaction whose failed statement nobody minded is not told to have committed', async () => {
  const swallowing = database.transaction(async (tx) => {
    await tx.query('insert into kept values (9)', []);
    await tx.query('select 1 / 0', []).catch(() => undefined);
  });
  await expect(swallowing).rejects.toThrow('rolled back');
  expect(await kept()).not.toContain(9);
});

test('a listener hears what is committed, until it stops', async () => {
  const heard: string[] = [];
  const stop = await database.listen('some_news', (payload) => void heard.push(payload));
  const tell = (text: string): Promise<unknown> =>
    database.query('select pg_notify($1, $2)', ['some_news', text]);
  await tell('one');
  await database
    .transaction(async (tx) => {
      await tx.query('select pg_notify($1, $2)', ['some_news', 'undone']);
      throw new Error('undone');
    })
    .catch(() => undefined);
  await tell('two');
  await stop();
  await tell('three');
  expect(heard).toEqual(['one', 'two']);
});
