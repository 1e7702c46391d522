// The market's batch with people's runs in it: each row its owner's, what was deleted meanwhile left out, commands in their
// order, and a market that begins anew.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { User } from '../../shared/api.ts';
import { openStorage } from '../database-storage.ts';
import { playTick } from '../floor/commands.ts';
import { createJournal, type Journal } from '../floor/journal.ts';
import { type OpenedMarket, openMarket } from '../floor/open-market.ts';
import { SILENT_LOG } from '../log.ts';
import { dollars, toDecimal } from '../market/money.ts';
import type { Storage } from '../storage.ts';
import { fillDataFolder } from '../testing/data-template.ts';
import { asUser } from './as-user.ts';
import { createModel, deleteModel } from './models.ts';
import { acceptRule } from './rules.ts';
import { endRun, readRun, startRun } from './runs.ts';

let folder = '';
let storage: Storage;
let ada: User;
let grace: User;
let opened: OpenedMarket;
let journal: Journal;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'desk-market-'));
  await fillDataFolder(folder);
  storage = await openStorage(folder);
  [ada, grace] = [
    await storage.users.pickOrCreate('Ada'),
    await storage.users.pickOrCreate('Grace'),
  ];
  await openMarketAnew('one');
});
afterAll(async () => {
  await storage.close();
  await rm(folder, { recursive: true, force: true });
});

async function openMarketAnew(seed: string): Promise<void> {
  const setup = { seed, ticksPerDay: 60 };
  opened = openMarket(null, { setup, warmUpTicks: 1, toldTick: 0, log: SILENT_LOG });
  journal = createJournal(opened, storage.market, 0);
  await journal.save();
}

/** As the leader does it. */
async function play(ticks: number): Promise<void> {
  for (let count = 0; count < ticks; count += 1) {
    const tick = opened.market.clock().tick + 1;
    const commands = await storage.market.assign({ tick, fence: 0 });
    journal.note(playTick(opened.market, commands));
  }
}

const startingCash = dollars(20_000);

async function begin(user: User): Promise<{ modelId: string; runId: string }> {
  const wanted = { name: 'M', strategy: 'hold', startingCash } as const;
  const { id: modelId } = await createModel(storage.sql, user, wanted);
  const clock = opened.market.clock();
  const limits = { perUser: 3, all: 20 };
  const { id } = await startRun(storage.sql, user, { modelId, clock, limits });
  return { modelId, runId: id };
}

test('each row of a run is its owner’s, to the last unit, and nobody else sees one', async () => {
  const [hers, theirs] = [await begin(ada), await begin(grace)];
  await play(45);
  await journal.save();
  for (const [user, { runId }, foreign] of [
    [ada, hers, theirs],
    [grace, theirs, hers],
  ] as const) {
    const standing = opened.market.standing(runId);
    const rows = await asUser(storage.sql, user.id, (tx) =>
      tx.query(
        `select user_id, cash, equity, status, last_tick,
          (select count(*)::int from desk.fills f where f.run_id = r.id and f.user_id = r.user_id) as fills,
          (select count(*)::int from desk.positions p where p.run_id = r.id) as positions,
          (select count(*)::int from desk.equity_points e where e.run_id = r.id) as points,
          (select count(*)::int from desk.decisions d where d.run_id = r.id) as decisions
          from desk.runs r where id = any($1)`,
        [[runId, foreign.runId]],
      ),
    );
    expect(rows).toEqual([
      {
        user_id: user.id,
        ...{ cash: toDecimal(standing?.cash ?? 0), equity: toDecimal(standing?.equity ?? 0) },
        ...{ status: 'running', last_tick: 46, points: 4 },
        ...{ fills: standing?.tally.fills, positions: standing?.holdings.length },
        decisions: expect.any(Number),
      },
    ]);
    expect(Number(rows[0]?.['fills'])).toBeGreaterThan(0);
  }
});

test('commands come in the order in which they were asked for, with the tick that was written into them', async () => {
  const run = await begin(ada);
  const rule = { id: 'r', kind: 'max_trades_per_day', trades: 0 } as const;
  await acceptRule(storage.sql, ada, { modelId: run.modelId, rule, applyNow: true });
  await endRun(storage.sql, ada, run);
  await endRun(storage.sql, ada, run);
  const { tick } = opened.market.clock();
  const assigned = await storage.market.assign({ tick: tick + 1, fence: 0 });
  expect(assigned.map(({ tick: at, command }) => [at - tick, command.kind])).toEqual([
    [1, 'add-agent'],
    [1, 'set-rules'],
    [1, 'close-agent'],
  ]);
  // Asked again for the same tick, as after an answer that was lost, they are the same.
  expect(await storage.market.assign({ tick: tick + 1, fence: 0 })).toEqual(assigned);
  expect(await storage.market.commands(tick)).toEqual(assigned);
  expect(await storage.market.commands(tick + 1)).toEqual([]);
  await play(1);
  await journal.save();
  // Begun and ended in one tick: it has traded nothing.
  expect((await readRun(storage.sql, ada, run)).run).toMatchObject({
    ...{ status: 'completed', equity: 20_000, fills: 0, lastTick: tick },
    endedAt: expect.any(String),
  });
});

test('a run whose model was deleted is left out of the batch, and its agent leaves the market', async () => {
  const run = await begin(grace);
  await play(12);
  expect(opened.market.standing(run.runId)?.tally.fills).toBeGreaterThan(0);
  await deleteModel(storage.sql, grace, run.modelId);
  await journal.save();
  await play(1);
  expect(opened.market.standing(run.runId)).toBeUndefined();
  await journal.save();
  const left = await storage.sql.query('select 1 from desk.fills where run_id = $1', [run.runId]);
  expect(left).toEqual([]);
});

test('with a market that begins anew the runs of the old one are over, and what waits begins in the new one', async () => {
  const old = await begin(ada);
  await play(5);
  await journal.save();
  const waiting = await begin(grace);
  await storage.sql.query('delete from desk.market_snapshots');
  await openMarketAnew('two');
  const { run } = await readRun(storage.sql, ada, old);
  expect(run).toMatchObject({ status: 'completed', endedAt: run.updatedAt });
  await play(12);
  await journal.save();
  expect(opened.market.standing(old.runId)).toBeUndefined();
  const begun = await readRun(storage.sql, grace, { ...waiting, runId: 'latest' });
  expect(begun.run).toMatchObject({ id: waiting.runId, status: 'running', lastTick: 13 });
  expect(begun.fills.length).toBeGreaterThan(0);
  // The old ones count no longer against what she may have going.
  await begin(ada);
  await begin(ada);
  await begin(ada);
  await expect(begin(ada)).rejects.toMatchObject({ code: 'request/conflict' });
});
