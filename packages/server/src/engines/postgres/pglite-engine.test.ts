// Runs the conformance cases on the database engine over PGlite. One instance serves all: each case gets its own
// schema, dropped and made again, which is what an empty database is to the engine.

import { createHash } from 'node:crypto';
import { PGlite } from '@electric-sql/pglite';
import { toOffset } from '@millrace/protocol/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  appendOne,
  dataOf,
  event,
  range,
  readAll,
} from '../../testing/engine-cases/engine-case.ts';
import { by, codesOf } from '../../testing/engine-cases/producer-cases.ts';
import { engineCases, runEngineCase } from '../../testing/engine-cases.ts';
import { readyPglite } from '../../testing/ready-pglite.ts';
import type { SqlDatabase } from './database.ts';
import { MIGRATIONS } from './migrations.ts';
import { pgliteDatabase } from './pglite-database.ts';
import { pgliteEngine } from './pglite-engine.ts';

let pglite: PGlite;
let database: SqlDatabase;

beforeAll(async () => {
  pglite = await readyPglite(PGlite);
  database = pgliteDatabase(pglite);
});
afterAll(() => pglite.close());

async function emptyDatabase(): Promise<SqlDatabase> {
  await pglite.exec('drop schema if exists millrace cascade');
  return database;
}

describe('database engine on PGlite', () => {
  for (const one of engineCases) {
    it(`${one.rule}: ${one.title}`, async (context) => {
      const skipped = await runEngineCase(one, async () => ({
        engine: pgliteEngine({ database: await emptyDatabase() }),
      }));
      if (skipped !== null) context.skip(skipped);
      expect(skipped).toBe(null);
    });
  }

  it('LOG-11: a kept database keeps its epoch, one that was made again has another', async () => {
    const first = pgliteEngine({ database: await emptyDatabase() });
    const { epoch } = await appendOne(first.log, 'a', 1);
    await first.close();
    const second = pgliteEngine({ database });
    expect(await appendOne(second.log, 'a', 2)).toEqual({ epoch, offset: 2 });
    await second.close();
    const third = pgliteEngine({ database: await emptyDatabase() });
    expect((await appendOne(third.log, 'a', 1)).epoch).not.toBe(epoch);
    await third.close();
  });

  it('LOG-2: a name no text column takes is refused alone, not what was gathered with it', async () => {
    const { log, close } = pgliteEngine({ database: await emptyDatabase() });
    const names = ['first', 'good', 'bad\0', 'other'];
    const settled = await Promise.allSettled(names.map((name) => log.append([event(name, 1)])));
    expect(settled.map(({ status }) => status === 'fulfilled')).toEqual([true, true, false, true]);
    expect(dataOf(await readAll(log, 'good'))).toEqual([1]);
    await close();
  });

  it('LOG-5: forgets a key after its window, and compaction clears it away', async () => {
    const { log, close } = pgliteEngine({ database: await emptyDatabase(), keyWindowMs: 0 });
    await appendOne(log, 'a', 1, 'k');
    expect((await appendOne(log, 'a', 2, 'k')).offset).toBe(2);
    // More than one statement takes away.
    await log.append(range(1, 2_500).map((n) => event('a', n, `${n}`)));
    await log.compact('a', { size: 10, maxAgeMs: 60_000 });
    expect(await database.query('select * from millrace.producer', [])).toEqual([]);
    await close();
  });

  it('LOG-5: after ten thousand keys one is still found by its index', async () => {
    const { log, close } = pgliteEngine({ database: await emptyDatabase() });
    for (let batch = 0; batch < 40; batch += 1) {
      const requests = Array.from({ length: 250 }, (_, n) => event('a', n, `${batch}.${n}`));
      await log.append(requests);
    }
    const counted = `select idx_tup_read::float8 as n from pg_stat_user_indexes
      where indexrelname = 'producer_pkey'`;
    await database.query('select pg_stat_force_next_flush()', []);
    const [before] = await database.query(counted, []);
    await log.append(Array.from({ length: 250 }, (_, n) => event('a', n, `last.${n}`)));
    await database.query('select pg_stat_force_next_flush()', []);
    const [after] = await database.query(counted, []);
    // A plan that walks through the keys reads ten thousand for each of the 250.
    expect(Number(after?.['n']) - Number(before?.['n'])).toBeLessThan(1_000);
    await close();
  });

  it('LOG-12: forgets a producer after its window', async () => {
    const { log, close } = pgliteEngine({ database: await emptyDatabase(), keyWindowMs: 0 });
    const outcomes = [
      ...(await log.append([by(1, 1)])),
      ...(await log.append([by(1, 2), by(1, 1)])),
    ];
    expect(codesOf(outcomes)).toEqual(['ok', 'publish/sequence-gap', 'ok']);
    await close();
  });

  it('LOG-14: a forgotten channel keeps its epoch over a restart, and leaves its name alone', async () => {
    const first = pgliteEngine({ database: await emptyDatabase() });
    await first.log.append([by(1, 1), event('run', 'secret', 'k')]);
    await first.log.compact('run', {
      size: 1,
      maxAgeMs: 60_000,
      snapshot: { offset: toOffset(1), version: 1, text: '"secret"' },
    });
    await first.log.forget('run');
    const { epoch } = await readAll(first.log, 'run');
    await first.close();
    const second = pgliteEngine({ database });
    expect(await readAll(second.log, 'run')).toMatchObject({ epoch, head: 0, snapshot: null });
    await second.close();
    const rows = await database.query('select * from millrace.entry', []);
    expect([
      rows,
      JSON.stringify(await database.query('select * from millrace.channel', [])),
    ]).toEqual([[], expect.not.stringContaining('secret')]);
  });

  it('LOG-5: a database of the first version keeps its events and keys', async () => {
    await emptyDatabase();
    await pglite.exec(`
      create schema millrace;
      create table millrace.migration (version integer primary key, applied_at timestamptz default now());
      ${MIGRATIONS[0]}
      insert into millrace.migration values (1);
    `);
    const hash = createHash('sha256').update('k', 'utf16le').digest('base64url').slice(0, 32);
    const body = '"type":"said","data":1';
    await database.query(
      "select * from millrace.append_batch(array['a'], array[$1], array[$2], '10 minutes', false)",
      [body, hash],
    );
    const { log, close } = pgliteEngine({ database });
    const [again] = await log.append([event('a', 2, 'k')]);
    expect(again).toMatchObject({ cursor: { offset: 1 }, isDuplicate: true });
    expect(dataOf(await readAll(log, 'a'))).toEqual([1]);
    await close();
  });

  it('LOG-15: a database of the version before keeps the epoch that it has told', async () => {
    await emptyDatabase();
    await pglite.exec(`
      create schema millrace;
      create table millrace.migration (version integer primary key, applied_at timestamptz default now());
      ${MIGRATIONS.slice(0, 3).join('\n')}
      insert into millrace.migration values (1), (2), (3);
      insert into millrace.channel (name, head, first, incarnation) values ('forgotten', 0, 1, 'abc');
    `);
    // As version 3 told it: in the server's process, once.
    const [row] = await database.query(
      `select concat_ws(' ', token, system_identifier, timeline_id) as name
       from millrace.incarnation, pg_control_system(), pg_control_checkpoint()`,
    );
    const epoch = createHash('sha256').update(String(row?.['name'])).digest('base64url');
    const { log, close } = pgliteEngine({ database });
    expect((await appendOne(log, 'a', 1)).epoch).toBe(epoch.slice(0, 16));
    expect((await appendOne(log, 'forgotten', 1)).epoch).toBe(`${epoch.slice(0, 16)}-abc`);
    await close();
  });

  it('LOG-15: tables that are gone are made again, with another epoch', async () => {
    const { log, close } = pgliteEngine({ database: await emptyDatabase() });
    const { epoch } = await appendOne(log, 'a', 1);
    await emptyDatabase();
    await expect(readAll(log, 'a')).rejects.toMatchObject({ code: 'engine/unavailable' });
    const page = await readAll(log, 'a');
    expect([page.epoch === epoch, page.head]).toEqual([false, 0]);
    await close();
  });

  it('LOG-2: a database that cannot be reached is told as such, and the next call tries again', async () => {
    await emptyDatabase();
    let isDown = true;
    const refused = (): Promise<never> => Promise.reject(new Error('connection refused'));
    const flaky: SqlDatabase = {
      query: (sql, params) => (isDown ? refused() : database.query(sql, params)),
      transaction: (run) => (isDown ? refused() : database.transaction(run)),
      listen: (channel, listener) => (isDown ? refused() : database.listen(channel, listener)),
    };
    const { log, close } = pgliteEngine({ database: flaky });
    const unavailable = { code: 'engine/unavailable', retryable: true };
    await expect(log.append([event('a', 1)])).rejects.toMatchObject(unavailable);
    isDown = false;
    expect((await appendOne(log, 'a', 1)).offset).toBe(1);
    isDown = true;
    await expect(readAll(log, 'a')).rejects.toMatchObject(unavailable);
    isDown = false;
    expect((await readAll(log, 'a')).head).toBe(1);
    await close();
  });

  it('settings/invalid tells of a database that a newer version wrote', async () => {
    const first = pgliteEngine({ database: await emptyDatabase() });
    await readAll(first.log, 'a');
    await first.close();
    await pglite.exec('insert into millrace.migration (version) values (99)');
    const second = pgliteEngine({ database });
    await expect(readAll(second.log, 'a')).rejects.toMatchObject({ code: 'settings/invalid' });
    await second.close();
  });
});
