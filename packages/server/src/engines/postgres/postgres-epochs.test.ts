// Whatever becomes of a PostgreSQL, a cursor of before is never taken for a place in something else: a failover, a
// dump that was put back, tables that were made again. Rules: LOG-11, LOG-15.

import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Engine } from '../../seams/engine.ts';
import { eventually } from '../../testing/check.ts';
import { appendOne, event, readAll } from '../../testing/engine-cases/engine-case.ts';
import { openPostgresNode } from '../../testing/postgres-node.ts';
import { type PostgresServer, startPostgres } from '../../testing/postgres-server.ts';
import { on, runCore, textsOf, verdictsOf } from '../../testing/run-core.ts';
import { openNotes } from '../../testing/test-channels.ts';
import { waitUntil } from '../../testing/waiting.ts';
import { sqlState } from './engine-error.ts';
import type { PgPool } from './pool.ts';

let server: PostgresServer;
let admin: pg.Pool;

beforeAll(async () => {
  server = await startPostgres();
  admin = poolOf();
});
afterAll(async () => {
  await admin.end();
  await server.close();
});
beforeEach(async () => {
  await admin.query('drop schema if exists millrace cascade');
});

/** Its idle connections may break: some servers are killed here. */
function poolOf(of = server): pg.Pool {
  const pool = new pg.Pool({ connectionString: of.url() });
  pool.on('error', () => undefined);
  return pool;
}

async function epochOf({ log }: Engine): Promise<string> {
  return (await readAll(log, 'a')).epoch;
}

test('LOG-15: a plain restart, a crash, vacuuming and freezing keep the epoch', async () => {
  await using node = openPostgresNode(poolOf());
  const { epoch } = await appendOne(node.engine.log, 'a', 1);
  for (const how of ['fast', 'immediate', 'kill'] as const) {
    await server.stop(how);
    await server.start();
    await answers(node.engine);
    expect(await appendOne(node.engine.log, 'a', how)).toMatchObject({ epoch });
  }
  await admin.query('vacuum (full, freeze) millrace.incarnation');
  await admin.query('vacuum (full, freeze) millrace.channel');
  await admin.query('vacuum (full, freeze) millrace.entry');
  expect(await appendOne(node.engine.log, 'a', 5)).toEqual({ epoch, offset: 5 });
});

async function answers(engine: Engine): Promise<void> {
  const isAnswered = (): Promise<boolean> =>
    epochOf(engine).then(
      () => true,
      () => false,
    );
  await eventually(isAnswered, 'it answers', 15_000);
}

/** As a standby does, which is asked for what only its primary knows. */
async function refuses(engine: Engine): Promise<void> {
  const isRefused = (): Promise<boolean> =>
    epochOf(engine).then(
      () => false,
      (error: unknown) => sqlState((error as Error).cause) === '55000',
    );
  await eventually(isRefused, 'it refuses', 15_000);
}

test('LOG-15: tables that were dropped and made again have another epoch at the next statement', async () => {
  await using here = openPostgresNode(poolOf());
  await using there = openPostgresNode(poolOf());
  const first = await appendOne(here.engine.log, 'a', 1);
  await appendOne(there.engine.log, 'a', 2);
  await admin.query('drop schema millrace cascade');
  await expect(epochOf(here.engine)).rejects.toMatchObject({
    code: 'engine/unavailable',
    retryable: true,
  });
  // Made again by one node; the connections of the other one know nothing of it.
  const { epoch } = await appendOne(here.engine.log, 'a', 'anew');
  expect(epoch).not.toBe(first.epoch);
  expect(await epochOf(there.engine)).toBe(epoch);
  expect(await appendOne(there.engine.log, 'a', 'too')).toEqual({ epoch, offset: 2 });
});

test('LOG-15: an older dump that is put back has another epoch, each time', async () => {
  await using node = openPostgresNode(poolOf());
  const { log } = node.engine;
  const seen = new Set([(await appendOne(log, 'a', 1)).epoch]);
  const dump = ['-n', 'millrace', '-F', 'c', '-d', 'postgres'];
  const file = join(tmpdir(), `millrace-dump-${process.pid}`);
  await server.run('pg_dump', ...dump, '-f', file);
  await appendOne(log, 'a', 'lost');
  for (const round of [1, 2]) {
    await admin.query('drop schema millrace cascade');
    await server.run('pg_restore', '-d', 'postgres', file);
    const page = await readAll(log, 'a');
    expect(Number(page.head)).toBe(1);
    expect(seen).not.toContain(page.epoch);
    seen.add(page.epoch);
    expect((await appendOne(log, 'a', round)).epoch).toBe(page.epoch);
  }
  // Its rows alone, into tables that stayed.
  await server.run('pg_dump', ...dump, '-a', '-f', file);
  await appendOne(log, 'a', 'lost');
  const tables = ['channel', 'entry', 'producer', 'incarnation', 'migration'];
  await admin.query(`truncate ${tables.map((name) => `millrace.${name}`).join()}`);
  await server.run('pg_restore', '-d', 'postgres', file);
  expect(seen).not.toContain(await epochOf(node.engine));
  await rm(file);
});

test('LOG-15: a copy of the database has another epoch, and its source keeps its own', async () => {
  const first = openPostgresNode(poolOf());
  const { epoch } = await appendOne(first.engine.log, 'a', 1);
  await first[Symbol.asyncDispose]();
  const elsewhere = new pg.Pool({ connectionString: server.url('template1') });
  await admin.end();
  await elsewhere.query('drop database if exists copy');
  await elsewhere.query('create database copy template postgres');
  await elsewhere.end();
  admin = poolOf();
  await using copy = openPostgresNode(new pg.Pool({ connectionString: server.url('copy') }));
  await using source = openPostgresNode(poolOf());
  expect(await epochOf(copy.engine)).not.toBe(epoch);
  expect(await epochOf(source.engine)).toBe(epoch);
});

test('LOG-15: events or channels that somebody takes away leave another epoch behind', async () => {
  await using node = openPostgresNode(poolOf());
  const { log } = node.engine;
  const seen = new Set([(await appendOne(log, 'a', 1)).epoch]);
  for (const statement of [
    'truncate millrace.entry',
    'truncate millrace.channel',
    "delete from millrace.channel where name = 'a'",
    'update millrace.incarnation set token = default',
  ]) {
    await appendOne(log, 'a', 'more');
    await admin.query(statement);
    const { epoch } = await appendOne(log, 'a', statement);
    expect(seen, statement).not.toContain(epoch);
    seen.add(epoch);
  }
});

test('LOG-15: compaction and expectations of another epoch change nothing', async () => {
  await using node = openPostgresNode(poolOf());
  const { log } = node.engine;
  const old = await appendOne(log, 'a', 1);
  await admin.query('update millrace.incarnation set token = default');
  const [outcome] = await log.append([{ ...event('a', 2), expect: old }]);
  expect(outcome).toMatchObject({ error: { code: 'publish/conflict' } });
  const snapshot = { offset: old.offset, version: 1, text: '"of another log"' };
  await log.compact('a', { size: 10, maxAgeMs: 60_000, snapshot, epoch: old.epoch });
  expect((await readAll(log, 'a')).snapshot).toBeNull();
});

test('LOG-15: a standby that lags and is promoted has another epoch, and readers are told before the next event', async () => {
  // The last test of this file: the server does not come back.
  const primary = server;
  let pool = poolOf(primary);
  // As a name that leads to whichever server is in charge.
  const moving: PgPool & { end(): Promise<void> } = {
    connect: () => pool.connect(),
    on: () => undefined,
    end: () => pool.end(),
  };
  await using node = openPostgresNode(moving, { answerWithinMs: 1_000, reconcileMs: 200 });
  await using core = runCore({ engine: node.engine });
  const channel = openNotes.of({ id: 'failover' });
  const link = core.open(on(channel, 'start'));
  const before = await core.publish(channel, 'one', 'two');
  await using standby = await primary.standby();
  // What follows never reaches it.
  await standby.stop('fast');
  await core.publish(channel, 'lost 3', 'lost 4');
  await waitUntil('all four', () => textsOf(link).length === 4);
  await primary.stop('kill');
  const old = pool;
  await standby.start();
  pool = poolOf(standby);
  // Not promoted yet: it can be read, and is refused.
  await refuses(node.engine);
  await pool.query('select pg_promote()');
  await answers(node.engine);
  // In place of what was lost, at the same offsets, before anybody who was there comes back.
  const after = await core.publish(channel, 'new 3', 'new 4', 'new 5');
  expect(after.epoch).not.toBe(before.epoch);
  await waitUntil('what is new', () => textsOf(link).includes('new 5'), 20_000);
  expect(verdictsOf(link)).toEqual(['exact', 'gap']);
  expect(textsOf(link)).toEqual([
    ...['one', 'two', 'lost 3', 'lost 4'],
    ...['one', 'two', 'new 3', 'new 4', 'new 5'],
  ]);
  const late = core.open(on(channel, { epoch: before.epoch, offset: before.offset }));
  expect(await late.next('verdict')).toMatchObject({ verdict: 'gap', reason: 'restarted' });
  await old.end();
});
