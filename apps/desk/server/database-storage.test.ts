// What Desk keeps, on a real folder: migrations, people, the market to the last unit, messages with their events.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHub, type Hub } from '@millrace/server';
import { pgliteEngine } from '@millrace/server/postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentMessages } from '../shared/channels.ts';
import { createMessageBoard } from './chat/message-board.ts';
import { migrate } from './database/migrate.ts';
import { openStorage } from './database-storage.ts';
import { playTick } from './floor/commands.ts';
import { createJournal } from './floor/journal.ts';
import type { MarketBatch } from './floor/market-store.ts';
import { type OpenedMarket, openMarket } from './floor/open-market.ts';
import { SILENT_LOG } from './log.ts';
import { toDecimal } from './market/money.ts';
import type { Fill } from './market/order.ts';
import type { DecisionRecord, EquityPoint } from './market/report.ts';
import { startSchedule } from './schedule/schedule.ts';
import type { Storage } from './storage.ts';
import { fillDataFolder } from './testing/data-template.ts';
import { eventually } from './testing/eventually.ts';

let folder = '';
let storage: Storage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-storage-'));
  await fillDataFolder(folder);
  storage = await openStorage(folder);
});
afterAll(async () => {
  await storage.close();
  await rm(folder, { recursive: true, force: true });
});

const rows = (text: string) => storage.sql.query(text, []);

const EMPTY = { fence: 0, equity: [], refused: [], ended: [] };

function newMarket(seed: string): OpenedMarket {
  const setup = { seed, ticksPerDay: 60 };
  return openMarket(null, { setup, warmUpTicks: 0, toldTick: 0, log: SILENT_LOG });
}

test('migrating again, also twice at once, changes nothing', async () => {
  const schema = `select table_name, column_name, data_type, numeric_precision, numeric_scale
    from information_schema.columns where table_schema = 'desk' order by 1, ordinal_position`;
  const before = await rows(schema);
  await Promise.all([migrate(storage.sql), migrate(storage.sql)]);
  expect(await rows(schema)).toEqual(before);
  expect(await rows('select name from desk.migrations')).toEqual([
    { name: '001-desk' },
    { name: '002-leases' },
    { name: '003-users-runs' },
    { name: '004-chat' },
  ]);
});

test('every user-owned table is under row-level security, for its owner as well', async () => {
  const open = await rows(`
    select relname from pg_class join information_schema.columns
      on table_schema = 'desk' and table_name = relname and column_name = 'user_id'
    where relnamespace = 'desk'::regnamespace and not (relrowsecurity and relforcerowsecurity)`);
  expect(open).toEqual([]);
  const money = await rows(`select table_name, column_name from information_schema.columns
    where table_schema = 'desk' and data_type in ('numeric', 'real', 'double precision')
      and (numeric_precision, numeric_scale) is distinct from (20, 4)`);
  expect(money).toEqual([]);
  const times = await rows(`select column_name from information_schema.columns
    where table_schema = 'desk' and data_type like 'timestamp without%'`);
  expect(times).toEqual([]);
});

test('a database that a newer Desk wrote is told as such', async () => {
  await rows(`insert into desk.migrations values ('999-later', '2030-01-01T00:00:00.000Z')`);
  await expect(migrate(storage.sql)).rejects.toMatchObject({ code: 'settings/invalid' });
  await rows(`delete from desk.migrations where name = '999-later'`);
});

test('a name is one user, whatever its case and however many ask at once', async () => {
  const picked = await Promise.all(
    ['Élodie', 'ÉLODIE', 'élodie'].map((name) => storage.users.pickOrCreate(name)),
  );
  expect(new Set(picked.map(({ id }) => id)).size).toBe(1);
  expect(picked[0]).toEqual({ id: expect.any(String), name: 'Élodie', isAdmin: true });
  await storage.users.pickOrCreate('Ada');
  expect((await storage.users.list()).map(({ name }) => name)).toEqual(['Ada', 'Élodie']);
});

test('the market is kept as it was given, and every trade, point and decision to the last unit', async () => {
  expect(await storage.market.load()).toBeNull();
  const opened = newMarket('rows');
  let given = '';
  const store = {
    ...storage.market,
    save(batch: MarketBatch) {
      given = JSON.stringify(batch.snapshot);
      return storage.market.save(batch);
    },
  };
  const journal = createJournal(opened, store, 0);
  const fills: Fill[] = [];
  const decisions: DecisionRecord[] = [];
  const points: EquityPoint[] = [];
  for (const until of [70, 140]) {
    while (opened.market.clock().tick < until) {
      const played = playTick(opened.market, []);
      const { report } = played;
      journal.note(played);
      fills.push(...report.fills);
      decisions.push(...report.decisions);
      if (report.tick % 10 === 0) points.push(...report.equity);
    }
    await journal.save();
  }
  await journal.save();

  // Also in the order of its keys. Compared here: a failing assertion would print all of it.
  expect(JSON.stringify(await storage.market.load()) === given).toBe(true);

  expect(fills.length).toBeGreaterThan(0);
  const [sums] = await rows(`select count(*)::int as count, sum(notional) as notional,
    sum(fee) as fee, sum(realised) as realised, sum(quantity)::int as quantity from desk.fills`);
  const sum = (of: (fill: Fill) => number): number =>
    fills.reduce((total, fill) => total + of(fill), 0);
  expect(sums).toEqual({
    count: fills.length,
    notional: toDecimal(sum((fill) => fill.notional)),
    fee: toDecimal(sum((fill) => fill.fee)),
    realised: toDecimal(sum((fill) => fill.realised)),
    quantity: sum((fill) => fill.quantity),
  });

  const standings = opened.market.standings();
  const runs =
    await rows(`select model_id, number, status, cash, equity, realised, unrealised, fees,
    starting_cash, last_tick from desk.runs order by model_id`);
  expect(runs).toEqual(
    standings
      .toSorted((one, other) => (one.agentId < other.agentId ? -1 : 1))
      .map((one) => ({
        model_id: one.agentId,
        number: 1,
        status: 'running',
        cash: toDecimal(one.cash),
        equity: toDecimal(one.equity),
        realised: toDecimal(one.realised),
        unrealised: toDecimal(one.unrealised),
        fees: toDecimal(one.fees),
        starting_cash: toDecimal(one.startingCash),
        last_tick: 140,
      })),
  );
  expect(
    await rows(`select 1 from desk.runs
      where equity <> starting_cash + realised + unrealised - fees`),
  ).toEqual([]);
  const held = await rows(
    'select symbol, quantity, cost from desk.positions order by cost, symbol',
  );
  expect(held).toHaveLength(standings.flatMap(({ holdings }) => holdings).length);
  expect(new Set(held.map(({ cost }) => cost))).toEqual(
    new Set(standings.flatMap(({ holdings }) => holdings.map(({ cost }) => toDecimal(cost)))),
  );
  expect(await rows('select number from desk.decisions')).toHaveLength(
    decisions.filter(({ id }) => id !== null).length,
  );
  const [reasoned] = await rows(
    `select count(*)::int as count from desk.decisions where jsonb_typeof(reasoning) = 'object'`,
  );
  expect(reasoned?.['count']).toBe(decisions.length);
  expect(await rows('select tick from desk.equity_points')).toHaveLength(points.length);
});

test('saved again after an answer that was lost, nothing is there twice; a market that begins anew has new runs', async () => {
  const count =
    'select (select count(*) from desk.fills) as f, (select count(*) from desk.runs) as r';
  await rows('delete from desk.market_snapshots');
  const opened = newMarket('again');
  const report = opened.market.tick();
  const standings = opened.market.standings();
  const { tick, time, fills, decisions } = report;
  const batch = { ...EMPTY, tick, time, snapshot: {}, standings, fills, decisions };
  await storage.market.save(batch);
  const once = await rows(count);
  await storage.market.save(batch);
  expect(await rows(count)).toEqual(once);
  expect(
    await rows('select number, status, count(*)::int as n from desk.runs group by 1, 2 order by 1'),
  ).toEqual([
    { number: 1, status: 'completed', n: 5 },
    { number: 2, status: 'running', n: 5 },
  ]);
});

test('a batch that cannot be kept whole is not kept at all', async () => {
  const before = await rows('select tick, body::text from desk.market_snapshots');
  const opened = newMarket('torn');
  const { tick, time, fills, decisions } = opened.market.tick();
  const orphan = { agentId: 'nobody', tick, time, equity: 1, cash: 1 };
  const standings = opened.market.standings();
  const batch = {
    ...{ ...EMPTY, tick: tick + 1, time, snapshot: { torn: true } },
    ...{ standings, fills, decisions },
  };
  await expect(storage.market.save({ ...batch, equity: [orphan] })).rejects.toThrow('nobody');
  expect(await rows('select tick, body::text from desk.market_snapshots')).toEqual(before);
});

function startHub(): Hub {
  return createHub({
    contracts: [agentMessages],
    engine: pgliteEngine({ database: storage.sql }),
    authorize: () => true,
  });
}

test('a message is a row and an event, or neither', async () => {
  const hub = startHub();
  const board = createMessageBoard({ hub, inTransaction: storage.inMessageTransaction });
  const draft = { agentId: 'claude_arbitrage', type: 'opinion', content: 'Kept.' } as const;
  const [message] = await board.post([draft]);
  expect(await rows('select id, content, is_fallback from desk.agent_messages')).toEqual([
    { id: message?.id, content: 'Kept.', is_fallback: false },
  ]);

  // The second of the two cannot be published: the rows of both go with it.
  const refused = { ...draft, agentId: '' };
  await expect(board.post([draft, refused])).rejects.toMatchObject({
    code: 'contract/invalid-event',
  });
  // And a row that cannot be written takes the event with it.
  const broken = storage.inMessageTransaction(async (insert, tx) => {
    const event = { type: 'message' as const, data: { ...message!, id: 'not-a-uuid' } };
    await hub.publishMany([{ channel: agentMessages.of(), event }], { tx });
    await insert([event.data]);
  });
  await expect(broken).rejects.toMatchObject({ code: '22P02' });
  expect(await rows('select 1 from desk.agent_messages')).toHaveLength(1);
  const { events } = await hub.history(agentMessages.of(), { last: 10 });
  expect(events.map(({ data }) => data.content)).toEqual(['Kept.']);
  await hub.close();
});

test('the queue of the schedule works on it, and keeps its own schema', async () => {
  let fired = 0;
  const schedule = await startSchedule({
    ...{ database: storage.sql, isShared: false, log: SILENT_LOG, cron: '* * * * *' },
    run: async () => {
      fired += 1;
    },
  });
  await eventually('the schedule fired', () => fired > 0, 14_000);
  await schedule.close();
  const [schema] = await rows(`select to_regclass('pgboss.job') is not null as is_there`);
  expect(schema?.['is_there']).toBe(true);
});

test('a node that leads the market no longer keeps nothing', async () => {
  const before = await rows('select tick, body::text from desk.market_snapshots');
  const opened = newMarket('late');
  const { tick, time, fills, decisions } = opened.market.tick();
  const standings = opened.market.standings();
  await storage.sql.query(
    `insert into desk.leases values ('floor', 'another', 8, clock_timestamp() + interval '1 hour')`,
  );
  const batch = { ...EMPTY, fence: 7, tick, time, snapshot: {}, standings, fills, decisions };
  await expect(storage.market.save(batch)).rejects.toThrow('another node leads');
  expect(await rows('select tick, body::text from desk.market_snapshots')).toEqual(before);
  await storage.market.save({ ...batch, fence: 8 });
});
