// Runs the conformance cases on the engine over a PostgreSQL server of its own. One server serves all: each case gets
// empty tables, and with them another epoch.

import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  appendOne,
  dataOf,
  event,
  range,
  readAll,
} from '../../testing/engine-cases/engine-case.ts';
import { engineCases, runEngineCase } from '../../testing/engine-cases.ts';
import { openPostgresNode } from '../../testing/postgres-node.ts';
import { type PostgresServer, startPostgres } from '../../testing/postgres-server.ts';
import { MIGRATIONS } from './migrations.ts';
import { type PostgresDatabase, postgresDatabase } from './postgres-database.ts';
import { postgresEngine } from './postgres-engine.ts';
import { APPEND, appendParams } from './rows.ts';

let server: PostgresServer;
let admin: pg.Pool;
let database: PostgresDatabase;

beforeAll(async () => {
  server = await startPostgres();
  admin = poolOf();
  database = postgresDatabase({ pool: admin });
});
afterAll(async () => {
  await admin.end();
  await server.close();
});

async function emptyPool(user?: string): Promise<pg.Pool> {
  await admin.query('drop schema if exists millrace cascade');
  return poolOf(user);
}

function poolOf(user?: string): pg.Pool {
  return new pg.Pool({ connectionString: server.url('postgres', user) });
}

describe('database engine on a PostgreSQL server', () => {
  for (const one of engineCases) {
    it(`${one.rule}: ${one.title}`, async (context) => {
      const skipped = await runEngineCase(one, () => ({
        engine: postgresEngine({ database }),
        async [Symbol.asyncDispose]() {
          await admin.query('truncate millrace.channel, millrace.entry, millrace.producer');
        },
      }));
      if (skipped !== null) context.skip(skipped);
      expect(skipped).toBe(null);
    });
  }

  it('LOG-16: who waits for a channel that a transaction holds is told in time', async () => {
    await using node = openPostgresNode(await emptyPool());
    const { log } = node.engine;
    await appendOne(log, 'a', 1);
    await node.database.transaction(async (tx) => {
      await tx.query("select from millrace.channel where name = 'a' for update", []);
      const startedAt = performance.now();
      await expect(appendOne(log, 'a', 3)).rejects.toMatchObject({ code: 'engine/unavailable' });
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    });
    expect((await appendOne(log, 'a', 4)).offset).toBe(2);
    expect(dataOf(await readAll(log, 'a'))).toEqual([1, 4]);
  });

  it('LOG-11: what was answered is on the disk, whatever the role is set to', async () => {
    await admin.query('drop role if exists hasty');
    await admin.query('create role hasty login superuser');
    await admin.query('alter role hasty set synchronous_commit = off');
    await using node = openPostgresNode(await emptyPool('hasty'));
    await appendOne(node.engine.log, 'a', 0);
    const told = await node.database.transaction(async (tx) => {
      const [before] = await tx.query('show synchronous_commit', []);
      await tx.query(APPEND, appendParams([event('a', 1)], 60_000));
      const [after] = await tx.query('show synchronous_commit', []);
      return [before?.['synchronous_commit'], after?.['synchronous_commit']];
    });
    expect(told).toEqual(['off', 'on']);
  });

  it('settings/invalid tells of a role whose transactions see an older moment', async () => {
    await admin.query('drop role if exists old_eyes');
    await admin.query('create role old_eyes login superuser');
    await admin.query("alter role old_eyes set default_transaction_isolation = 'serializable'");
    await using node = openPostgresNode(await emptyPool('old_eyes'));
    await expect(readAll(node.engine.log, 'a')).rejects.toMatchObject({
      code: 'settings/invalid',
      message: expect.stringContaining('serializable'),
    });
  });

  it('LOG-11: eight nodes that start at once migrate one after the other', async () => {
    await emptyPool().then((pool) => pool.end());
    await using stack = new AsyncDisposableStack();
    const nodes = range(1, 8).map(() => stack.use(openPostgresNode(poolOf())));
    const cursors = await Promise.all(nodes.map(({ engine }, n) => appendOne(engine.log, 'a', n)));
    expect(cursors.map(({ offset }) => Number(offset)).toSorted((a, b) => a - b)).toEqual(
      range(1, 8),
    );
    const { rows } = await admin.query('select version from millrace.migration order by version');
    expect(rows.map(({ version }) => Number(version))).toEqual(range(1, MIGRATIONS.length));
  });

  it('settings/invalid tells a role that may make no schema what it needs; one that owns it works', async () => {
    await admin.query('drop schema if exists millrace cascade');
    await admin.query('drop role if exists plain');
    await admin.query('create role plain login');
    const poor = openPostgresNode(poolOf('plain'));
    await expect(appendOne(poor.engine.log, 'a', 1)).rejects.toMatchObject({
      code: 'settings/invalid',
      message: expect.stringContaining('create schema millrace authorization'),
    });
    await admin.query('create schema millrace authorization plain');
    expect((await appendOne(poor.engine.log, 'a', 1)).offset).toBe(1);
    await poor[Symbol.asyncDispose]();
    await admin.query('revoke execute on function pg_control_system() from public');
    try {
      await using late = openPostgresNode(poolOf('plain'));
      await expect(readAll(late.engine.log, 'a')).rejects.toMatchObject({
        code: 'settings/invalid',
        message: expect.stringContaining('pg_control_system'),
      });
    } finally {
      await admin.query('grant execute on function pg_control_system() to public');
      await admin.query('drop schema millrace cascade');
    }
  });

  it('LOG-3: pages come by the index however large the log, and without a compiler', async () => {
    await using node = openPostgresNode(await emptyPool());
    const { log } = node.engine;
    await log.append(range(1, 2_000).map((n) => event(`a${n % 40}`, n)));
    await admin.query('analyze millrace.channel, millrace.entry');
    const startedAt = performance.now();
    for (const n of range(0, 39)) expect((await readAll(log, `a${n}`)).head).toBe(50);
    // A plan that a compiler works on takes some 100 ms each.
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
