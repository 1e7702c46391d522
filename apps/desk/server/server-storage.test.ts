// What Desk keeps on a PostgreSQL server of its own, which several nodes open at once, with channels there and in a Redis
// of its own: the same values as from the embedded database, one leader, plain words when something is not there.

import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub, type Hub } from '@millrace/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { agentMessages, marketTicks } from '../shared/channels.ts';
import { createMessageBoard } from './chat/message-board.ts';
import { asUser, FLOOR_USER_ID } from './database/as-user.ts';
import { openEmbeddedDatabase } from './database/embedded-database.ts';
import { openServerDatabase } from './database/server-database.ts';
import { playTick } from './floor/commands.ts';
import { createJournal } from './floor/journal.ts';
import { openMarket } from './floor/open-market.ts';
import { SILENT_LOG } from './log.ts';
import { freePort } from './nodes/free-port.ts';
import { startOwnPostgres } from './nodes/own-postgres.ts';
import { startOwnRedis } from './nodes/own-redis.ts';
import type { OwnServer } from './nodes/own-server.ts';
import { type OpenedEngine, openEngine } from './open-engine.ts';
import { startSchedule } from './schedule/schedule.ts';
import { openServerStorage } from './server-storage.ts';
import type { Storage } from './storage.ts';
import { fillDataFolder } from './testing/data-template.ts';
import { eventually } from './testing/eventually.ts';
import { PEOPLE_SECRET, personAt } from './testing/people.ts';
import { startTestDesk, type TestDesk } from './testing/test-desk.ts';

const REDIS_PASSWORD = 'a-password-of-the-test';

let folder = '';
let postgres: OwnServer;
let redis: OwnServer;
let nodes: readonly Storage[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-server-'));
  // As root PostgreSQL runs as another user, who must be able to come by.
  await chmod(folder, 0o755);
  const [port, redisPort] = [await freePort(), await freePort()];
  [postgres, redis] = await Promise.all([
    startOwnPostgres(join(folder, 'postgres'), { port, nodes: 3 }),
    startOwnRedis(join(folder, 'redis'), { port: redisPort, password: REDIS_PASSWORD }),
  ]);
  nodes = await Promise.all([1, 2, 3].map(() => openServerStorage(postgres.url)));
});
afterAll(async () => {
  await Promise.all(nodes.map((node) => node.close()));
  await Promise.all([postgres.stop(), redis.stop()]);
  await rm(folder, { recursive: true, force: true });
});

function node(n: number): Storage {
  const storage = nodes[n];
  if (storage === undefined) throw new Error(`there is no node ${n}`);
  return storage;
}

test('nodes that open it at once migrate it once', async () => {
  expect(await node(0).sql.query('select count(*)::int as count from desk.migrations')).toEqual([
    { count: 4 },
  ]);
  const picked = await Promise.all(nodes.map(({ users }) => users.pickOrCreate('Ada')));
  expect(new Set(picked.map(({ id }) => id)).size).toBe(1);
});

test('a value is the same from a server and from the embedded database', async () => {
  const values = `select 9007199254740993::int8 as int8, array[9007199254740993]::int8[] as int8s,
    7::int4 as int4, 1.5::float8 as float8, 12.3400::numeric as numeric, array[0.1]::numeric[] as numerics,
    date '2026-11-26' as date, array[date '2026-11-26'] as dates, timestamptz '2026-11-26T17:00:00Z' as at,
    true as yes, null::text as nothing, '{"a":[1,null]}'::jsonb as json, array['a','b,c'] as texts,
    '01a1fae3-0000-7000-8000-00000000dead'::uuid as uuid`;
  await mkdir(join(folder, 'embedded'));
  await fillDataFolder(join(folder, 'embedded'));
  const embedded = await openEmbeddedDatabase({ folder: join(folder, 'embedded', 'pg') });
  try {
    const asked = `select $1::jsonb as json, $2::text[] as texts, $3::timestamptz as at, $4::numeric as numeric`;
    const given = ['[1,{"b":2}]', ['x', 'y'], new Date('2026-11-26T17:00:00.123Z'), '0.10'];
    expect(await node(0).sql.query(values, [])).toEqual(await embedded.query(values, []));
    expect(await node(0).sql.query(asked, given)).toEqual(await embedded.query(asked, given));
  } finally {
    await embedded.close();
  }
});

test('one node at a time leads, and what a late one saves is refused', async () => {
  const held: { node: number; fence: number }[] = [];
  const take = (n: number) =>
    node(n).lease('floor', {
      hold: async (fence) => {
        held.push({ node: n, fence });
        return async () => undefined;
      },
      onError: (error) => {
        throw error;
      },
    });
  const first = await take(0);
  const second = await take(1);
  expect(held).toEqual([{ node: 0, fence: 1 }]);
  const opened = openMarket(null, {
    setup: { seed: 'server', ticksPerDay: 60 },
    ...{ warmUpTicks: 0, toldTick: 0, log: SILENT_LOG },
  });
  const journal = createJournal(opened, node(0).market, 1);
  for (let tick = 0; tick < 70; tick += 1) journal.note(playTick(opened.market, []));
  await journal.save();
  const kept = await node(1).market.load();
  expect(JSON.stringify(kept)).toContain('"seed":"server"');

  await first.release();
  await eventually('the other one leads', () => held.length === 2);
  expect(held[1]).toEqual({ node: 1, fence: 2 });
  opened.market.tick();
  await expect(journal.save()).rejects.toThrow('another node leads');
  expect(await node(1).market.load()).toEqual(kept);
  await second.release();
});

test.each(['the database', 'Redis'])(
  'with channels in %s a message on one node is a row and an event on every other',
  async (where) => {
    const redisUrl = where === 'Redis' ? redis.url : '';
    await using closing = new AsyncDisposableStack();
    const open = async (storage: Storage): Promise<Hub> => {
      const channels: OpenedEngine = await openEngine({
        redisUrl,
        storage,
        onError: (error) => {
          throw error;
        },
      });
      const hub = createHub({
        contracts: [agentMessages, marketTicks],
        engine: channels.engine,
        ...channels.outbox,
      });
      closing.defer(() => channels.close());
      closing.defer(() => hub.close());
      return hub;
    };
    const hubs = await Promise.all(nodes.map(open));
    const [hub] = hubs;
    if (hub === undefined) throw new Error('there is no hub');
    const { inMessageTransaction } = node(0);
    const board = createMessageBoard({ hub, inTransaction: inMessageTransaction });
    const draft = { agentId: 'claude_arbitrage', type: 'opinion', content: where } as const;
    const posted = await board.post([draft, draft]);
    for (const one of hubs) {
      const { events } = await one.history(agentMessages.of(), { last: 10 });
      expect(events.map(({ data }) => data.id)).toEqual(posted.map(({ id }) => id));
    }
    const rows = await node(2).sql.query('select id from desk.agent_messages where content = $1', [
      where,
    ]);
    expect(rows).toHaveLength(2);
  },
  20_000,
);

test('the schedule of two nodes on a server fires once for each time', async () => {
  const fired: string[] = [];
  const startedIn = Math.floor(Date.now() / 60_000);
  const start = (name: string) =>
    startSchedule({
      ...{ database: node(0).sql, isShared: true, log: SILENT_LOG, cron: '* * * * *' },
      run: async () => fired.push(name),
    });
  // In turn, as the lease has it: two that make their tables at once refuse each other.
  const one = await start('one');
  // The queue looks for what is due at its start and then every half minute: the next start looks.
  await node(0).sql.query('update pgboss.version set cron_on = null');
  const both = [one, await start('two')];
  try {
    await eventually('the schedule fired', () => fired.length > 0, 14_000);
    const minutes = 1 + Math.floor(Date.now() / 60_000) - startedIn;
    expect(fired.length).toBeLessThanOrEqual(minutes);
  } finally {
    await Promise.all(both.map((each) => each.close()));
  }
});

/** Both tick, at the same place, and answer for it. */
async function assertOneMarket(first: TestDesk, second: TestDesk): Promise<void> {
  const tickOf = async (desk: TestDesk): Promise<number> =>
    z
      .object({ tick: z.object({ tick: z.number() }) })
      .parse(await (await desk.get('/api/market')).json()).tick.tick;
  const begun = await tickOf(second);
  await eventually('it ticks on both', async () => (await tickOf(second)) > begun + 5);
  expect(Math.abs((await tickOf(first)) - (await tickOf(second)))).toBeLessThan(50);
  const health = await second.get('/health');
  expect(health.status).toBe(200);
  const { events } = await second.hub.history(marketTicks.of(), { last: 20 });
  const ticks = events.map(({ data }) => data.tick);
  expect(ticks).toEqual(ticks.map((_, n) => (ticks[0] ?? 0) + n));
}

test('two Desks on one database and one Redis have one market between them, and both answer for it', async () => {
  const environment = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    MARKET_TICK_MS: '20',
  };
  await using first = await startTestDesk({ environment });
  await using second = await startTestDesk({ environment });
  await assertOneMarket(first, second);
});

test('two Desks on one database have one market, and a run that is begun on one goes on when the leader is no more, again and again', async () => {
  const environment = {
    DATABASE_URL: postgres.url,
    SESSION_SECRET: PEOPLE_SECRET,
    MARKET_TICK_MS: '20',
    // What happens between two saves is played again.
    MARKET_SAVE_TICKS: '50',
  };
  await using first = await startTestDesk({ environment });
  await using second = await startTestDesk({ environment });
  await assertOneMarket(first, second);
  const [here, there] = await Promise.all([personAt(first, 'ada'), personAt(second, 'ada')]);
  const asJson = async (answer: Response): Promise<unknown> => answer.json();
  const { model } = z
    .object({ model: z.object({ id: z.string() }) })
    .parse(await asJson(await there.call('POST', '/api/models', { name: 'M', strategy: 'hold' })));
  const at = `/api/models/${model.id}/runs`;
  expect((await there.call('POST', at)).status).toBe(201);
  const answer = z.object({
    run: z.object({ id: z.string(), status: z.string(), lastTick: z.number(), fills: z.number() }),
  });
  const read = async () => answer.parse(await asJson(await here.call('GET', `${at}/latest`))).run;
  for (let turn = 1; turn <= 2; turn += 1) {
    const before = await eventually('it trades', async () => {
      const run = await read();
      return run.fills > 0 && run;
    });
    // As if the leader had stood still for too long: whoever leads keeps nothing more.
    await node(0).sql.query(
      `update desk.leases set owner = 'nobody', fence = fence + 1,
        expires_at = clock_timestamp() where name = 'floor'`,
    );
    await eventually(
      'it goes on with another',
      async () => (await read()).lastTick > before.lastTick + 50,
      20_000,
    );
  }
  const { events } = await second.hub.history(marketTicks.of(), { last: 300 });
  const ticks = events.map(({ data }) => data.tick);
  expect(ticks).toEqual(ticks.map((_, n) => (ticks[0] ?? 0) + n));
  expect((await here.call('POST', `${at}/latest/end`)).status).toBe(202);
  const over = await eventually('it ended', async () => {
    const run = await read();
    return run.status === 'completed' && run;
  });
  const rows = await asUser(node(1).sql, 'ada', (tx) =>
    tx.query(
      `select count(*)::int as fills,
        (select fill_count from desk.runs where id = run_id) as counted
        from desk.fills where run_id = $1 group by run_id`,
      [over.id],
    ),
  );
  expect(rows).toEqual([{ fills: over.fills, counted: over.fills }]);
});

test('what is not there, or does not let us in, is one plain sentence without a secret', async () => {
  const patience = { patienceMs: 0 };
  const nobody = await freePort();
  const database = (url: string) => openServerDatabase({ url, ...patience });
  const channels = (redisUrl: string) =>
    openEngine({ redisUrl, storage: node(0), onError: () => undefined, ...patience });
  const refused = new URL(postgres.url);
  refused.password = 'not-this-one';
  await expect(database(refused.href)).rejects.toMatchObject({
    code: 'settings/invalid',
    message: expect.stringMatching(/^The database of DATABASE_URL refuses: (?!.*not-this-one)/),
  });
  await expect(database(`postgres://desk:secret@127.0.0.1:${nobody}/desk`)).rejects.toMatchObject({
    code: 'engine/unavailable',
    message: expect.stringMatching(/^Nothing answers at DATABASE_URL \(.*ECONNREFUSED/),
  });
  await expect(channels(redis.url.replace(REDIS_PASSWORD, 'not-this-one'))).rejects.toMatchObject({
    code: 'settings/invalid',
    message: expect.stringMatching(/^The Redis of REDIS_URL refuses: WRONGPASS/),
  });
  await expect(channels(`redis://127.0.0.1:${new URL(redis.url).port}`)).rejects.toMatchObject({
    code: 'settings/invalid',
    message: expect.stringMatching(/NOAUTH/),
  });
  await expect(channels(`redis://127.0.0.1:${nobody}`)).rejects.toMatchObject({
    code: 'engine/unavailable',
    message: expect.stringMatching(/^Nothing answers at REDIS_URL \(.*ECONNREFUSED/),
  });
});

test.each([
  ['who may create roles', 'maker', 'create role maker login createrole password %L'],
  [
    'to whom desk_app was granted',
    'plain',
    'create role plain login password %L; grant desk_app to plain',
  ],
])(
  'a user %s and owns the database needs no more',
  async (_, name, statement) => {
    const admin = node(0).sql;
    await admin.query(statement.replace('%L', `'of-the-test'`));
    await admin.query(`create database ${name} owner ${name}`);
    const url = new URL(postgres.url);
    [url.username, url.password, url.pathname] = [name, 'of-the-test', `/${name}`];
    const environment = { DATABASE_URL: url.href, MARKET_TICK_MS: '20', MARKET_SAVE_TICKS: '1' };
    await using desk = await startTestDesk({ environment });
    const posted = await desk.get('/api/chat/generate', { method: 'POST' });
    expect(posted.status).toBe(200);
    const storage = await openServerStorage(url.href);
    const runs = 'select count(*)::int as count from desk.runs';
    await eventually('the market was kept', async () => {
      const [row] = await asUser(storage.sql, FLOOR_USER_ID, (tx) => tx.query(runs, []));
      return row?.['count'] === 5;
    });
    // No superuser, so the rows of others are not there, for the owner of the tables neither.
    expect(await storage.sql.query(runs, [])).toEqual([{ count: 0 }]);
    await storage.close();
  },
  20_000,
);

test('a server of our own that is started again has what it had, at the same address', async () => {
  const { port } = new URL(postgres.url);
  await Promise.all(nodes.map((one) => one.close()));
  await postgres.stop();
  postgres = await startOwnPostgres(join(folder, 'postgres'), { port: Number(port), nodes: 3 });
  const again = await openServerStorage(postgres.url);
  expect((await again.users.list()).map(({ name }) => name)).toEqual(['Ada']);
  await again.close();
});
