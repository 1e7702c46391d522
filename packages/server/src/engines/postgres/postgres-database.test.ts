// A pool of the driver's as a SqlDatabase: what the seam's contract says, on a server of its own.

import { once } from 'node:events';
import { createServer } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../../testing/postgres-server.ts';
import { waitUntil } from '../../testing/waiting.ts';
import { type PostgresDatabase, postgresDatabase } from './postgres-database.ts';

let server: PostgresServer;
let pool: pg.Pool;
let database: PostgresDatabase;

beforeAll(async () => {
  server = await startPostgres();
  pool = new pg.Pool({ connectionString: server.url(), max: 4 });
  database = postgresDatabase({ pool, answerWithinMs: 1_000 });
  await database.query('create table kept (n integer primary key)');
});
afterAll(async () => {
  await pool.end();
  await server.close();
});

const silence = { heard: () => undefined, missed: () => undefined };

const kept = async (): Promise<unknown[]> =>
  (await database.query('select n from kept order by n', [])).map(({ n }) => n);

test('a text of several statements answers with the rows of the last', async () => {
  expect(await database.query('select 1 as a; select 2 as b')).toEqual([{ b: 2 }]);
});

test('a text with a begin of its own that fails leaves nothing behind, not even its transaction', async () => {
  const failing = 'begin; insert into kept values (1); select 1 / 0; commit';
  await expect(database.query(failing)).rejects.toMatchObject({ code: '22012' });
  await Promise.all(Array.from({ length: 8 }, () => database.query('select $1::int', [1])));
  expect(await kept()).toEqual([]);
});

test('a transaction commits with its callback, and rolls back with its reason', async () => {
  const reason = new Error('undone');
  await database.transaction((tx) => tx.query('insert into kept values (2)', []));
  const undone = database.transaction(async (tx) => {
    // In the order of their calls, whether or not each is waited for.
    const rows = [tx.query('insert into kept values (3)', []), tx.query('select n from kept', [])];
    expect(await Promise.all(rows)).toEqual([[], [{ n: 2 }, { n: 3 }]]);
    throw reason;
  });
  await expect(undone).rejects.toBe(reason);
  expect(await kept()).toEqual([2]);
});

test('a transaction whose failed statement nobody minded is not told to have committed', async () => {
  const swallowing = database.transaction(async (tx) => {
    await tx.query('insert into kept values (9)', []);
    await tx.query('select 1 / 0', []).catch(() => undefined);
  });
  await expect(swallowing).rejects.toThrow('rolled back');
  expect(await kept()).not.toContain(9);
});

test('a savepoint in a transaction lives through a failed statement, as text or with parameters', async () => {
  await database.transaction(async (tx) => {
    await tx.query('savepoint here');
    await tx.query('select 1 / 0').catch(() => undefined);
    await tx.query('rollback to here');
    await tx.query('insert into kept values ($1)', [4]);
  });
  expect(await kept()).toContain(4);
});

test('what is called on a transaction that is over is refused, and touches nobody else', async () => {
  let late: (() => Promise<unknown>) | undefined;
  await database.transaction(async (tx) => {
    late = () => tx.query('insert into kept values (5)', []);
  });
  await expect(late?.()).rejects.toMatchObject({ code: 'request/invalid' });
  expect(await kept()).not.toContain(5);
});

test('a connection that breaks in a transaction rolls it back, and the pool has another one', async () => {
  const broken = database.transaction(async (tx) => {
    await tx.query('insert into kept values (6)', []);
    const [row] = await tx.query('select pg_backend_pid() as pid', []);
    await database.query('select pg_terminate_backend($1)', [row?.['pid']]);
    await tx.query('select 1', []);
  });
  await expect(broken).rejects.toThrow(/connection/i);
  expect(await kept()).not.toContain(6);
  await waitUntil('that nobody holds a connection', () => pool.totalCount === pool.idleCount);
});

test('LOG-16: a statement that takes too long rejects in time, and its connection is thrown away', async () => {
  const startedAt = performance.now();
  await expect(database.query('select pg_sleep(20)', [])).rejects.toMatchObject({
    code: 'engine/unavailable',
  });
  expect(performance.now() - startedAt).toBeLessThan(1_500);
  await waitUntil('that it is gone', () => pool.totalCount === pool.idleCount);
});

test('LOG-16: who finds no free connection in time is told, and takes none later', async () => {
  const held = await Promise.all(Array.from({ length: 4 }, () => pool.connect()));
  await expect(database.query('select 1', [])).rejects.toMatchObject({
    code: 'engine/unavailable',
  });
  for (const client of held) client.release();
  await waitUntil('that all are idle', () => pool.idleCount === 4 && pool.waitingCount === 0);
});

test('LOG-16: in a transaction a statement may take longer, up to a bound of its own', async () => {
  const patient = postgresDatabase({ pool, answerWithinMs: 150, statementWithinMs: 500 });
  await patient.transaction((tx) => tx.query('select pg_sleep(0.25)', []));
  const tooLong = patient.transaction((tx) => tx.query('select pg_sleep(20)', []));
  await expect(tooLong).rejects.toMatchObject({ code: 'engine/unavailable' });
});

test('settings/invalid tells of a pool that hearing would use up', () => {
  const single = new pg.Pool({ connectionString: server.url(), max: 1 });
  expect(() => postgresDatabase({ pool: single }).openLine([], silence)).toThrow('connectListener');
});

test('LOG-16: what hears leaves the pool a connection for everything else, and gives its own back', async () => {
  const small = new pg.Pool({ connectionString: server.url(), max: 2 });
  const tight = postgresDatabase({ pool: small });
  const line = tight.openLine(['some_news'], silence);
  await line.up();
  await expect(tight.listen('other_news', () => undefined)).rejects.toThrow('connectListener');
  await tight.query('select 1', []);
  await line.close();
  await (await tight.listen('other_news', () => undefined))();
  await small.end();
});

test('a listener hears what is committed until it stops, and is told when it may have missed something', async () => {
  const heard: string[] = [];
  let missed = 0;
  const stop = await database.listen(
    'some_news',
    (payload) => void heard.push(payload),
    () => void (missed += 1),
  );
  const tell = (text: string): Promise<unknown> =>
    database.query('select pg_notify($1, $2)', ['some_news', text]);
  await tell('one');
  await waitUntil('the first', () => heard.length === 1);
  expect(missed).toBe(1);
  await database.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_notify($1%' and pid <> pg_backend_pid()",
    [],
  );
  await waitUntil('that it hears again', () => missed === 2);
  await tell('two');
  await waitUntil('the second', () => heard.length === 2);
  await stop();
  await tell('three');
  expect(heard).toEqual(['one', 'two']);
  await waitUntil('that its connection is gone', () => pool.totalCount === pool.idleCount);
});

test('LOG-16: a connection that is ended in the packet which made it fails its call, and not the process', async () => {
  const message = (type: string, ...parts: readonly (string | Buffer)[]): Buffer => {
    const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const head = Buffer.alloc(5, type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const words = ['SFATAL', 'C57P01', 'Mterminating connection', ''].map((word) => `${word}\0`);
  const answer = Buffer.concat([
    message('R', Buffer.alloc(4)),
    message('Z', 'I'),
    message('E', words.join('')),
  ]);
  const ending = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  ending.listen(0, '127.0.0.1');
  await once(ending, 'listening');
  const address = ending.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const own = new pg.Pool({ connectionString: `postgres://x@127.0.0.1:${address.port}/x` });
  const ended = postgresDatabase({ pool: own, answerWithinMs: 1_000 });
  await expect(ended.query('select 1', [])).rejects.toThrow(/connection error/);
  await own.end();
  ending.close();
});

test('LOG-16: who waits for a turn, then for a connection, waits no longer than the bound in all', async () => {
  const holding = Array.from({ length: 4 }, () =>
    database.transaction((tx) => tx.query('select pg_sleep(0.8)', [])),
  );
  const slow = database.query('select pg_sleep(0.6)', []);
  const askedAt = performance.now();
  await expect(slow).rejects.toMatchObject({ code: 'engine/unavailable' });
  expect(performance.now() - askedAt).toBeLessThan(1_300);
  await Promise.all(holding);
});

test('LOG-16: of the many that wait for a connection when the database goes away, few still dial', async () => {
  let dials = 0;
  const gone = createServer((socket) => {
    dials += 1;
    setTimeout(() => socket.destroy(), 50);
  });
  gone.listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as { port: number };
  const doomed = new pg.Pool({ connectionString: `postgres://127.0.0.1:${port}/none`, max: 4 });
  const away = postgresDatabase({ pool: doomed, answerWithinMs: 1_000 });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 200 }, () => away.query('select 1', [])),
  );
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  expect(dials).toBeLessThan(10);
  await doomed.end();
  gone.close();
});
