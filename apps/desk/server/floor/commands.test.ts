// Agents that people add while the market runs: whoever plays it again has the very same market, however it was cut.

import { createHub, memoryEngine } from '@millrace/server';
import { expect, test } from 'vitest';
import { agentActivity, agentEquity, marketTicks } from '../../shared/channels.ts';
import { STRATEGY_KINDS } from '../agents/strategies/registry.ts';
import { SILENT_LOG } from '../log.ts';
import { dollars } from '../market/money.ts';
import { type AssignedCommand, type MarketCommand, playTick, publicPart } from './commands.ts';
import { createFollowing } from './following.ts';
import { createJournal } from './journal.ts';
import type { MarketBatch } from './market-store.ts';
import { keepMarket, keptTick, type OpenedMarket, openMarket } from './open-market.ts';
import { tickItems } from './tick-events.ts';

const setup = { seed: 'commands', ticksPerDay: 60 };

function open(kept: unknown, toldTick: number, commands: readonly AssignedCommand[]): OpenedMarket {
  return openMarket(kept, { setup, toldTick, commands, warmUpTicks: 0, log: SILENT_LOG });
}

const add = (tick: number, n: number): AssignedCommand => {
  const strategy = STRATEGY_KINDS[n % STRATEGY_KINDS.length] ?? 'hold';
  const rules = n === 1 ? [{ id: 'small', kind: 'max_order_value' as const, dollars: 500 }] : [];
  const command = { agentId: `run-${n}`, strategy, cash: dollars(50_000), rules };
  return { tick, command: { kind: 'add-agent', ...command } };
};
const close = (tick: number, n: number): AssignedCommand => ({
  tick,
  command: { kind: 'close-agent', agentId: `run-${n}` },
});

/** Ten come, one after the other and two at once; some go, one in the tick in which it came; rules change. */
const COMMANDS: readonly AssignedCommand[] = [
  ...[add(5, 0), add(5, 1), add(12, 2), add(30, 3), add(31, 4), close(33, 0)],
  ...[add(34, 5), close(34, 5), add(41, 6), add(55, 7), add(61, 8), add(62, 9)],
  {
    tick: 63,
    command: {
      kind: 'set-rules',
      agentId: 'run-4',
      rules: [{ id: 'none', kind: 'max_trades_per_day', trades: 0 }],
    },
  },
  close(64, 3),
  close(70, 6),
];

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('a leader that is killed, wherever, is succeeded by the same market: from each save and to each tick', () => {
  const first = open(null, 0, []);
  const kept = new Map<number, unknown>();
  const states: unknown[] = [];
  const ended: unknown[] = [];
  for (let tick = 1; tick <= 80; tick += 1) {
    // The leader hears of each when its tick comes.
    const played = playTick(
      first.market,
      COMMANDS.filter((one) => one.tick === tick),
    );
    first.overview.note(played.report);
    ended.push(...played.ended.map((one) => json(one)));
    if (tick % 7 === 0) kept.set(tick, json(keepMarket(first)));
    states[tick] = json(keepMarket(first));
  }
  expect(ended).toHaveLength(4);
  for (const [tick, snapshot] of kept) {
    expect(keptTick(snapshot)).toBe(tick);
    for (const told of [tick, tick + 1, tick + 5, 80]) {
      if (told > 80) continue;
      const next = open(
        snapshot,
        told,
        COMMANDS.filter((one) => one.tick > tick),
      );
      expect(json(keepMarket(next)) as object).toEqual(states[told]);
    }
    const last = open(
      snapshot,
      80,
      COMMANDS.filter((one) => one.tick > tick),
    );
    expect(json(last.played.flatMap((one) => one.ended))).toEqual(
      ended.filter((one) => (one as { tick: number }).tick >= tick),
    );
  }
});

test('what a leader assigned and did not live to play, its successor plays at the same tick', () => {
  const first = open(null, 0, []);
  for (let tick = 1; tick <= 20; tick += 1) playTick(first.market, []);
  const snapshot = json(keepMarket(first));
  // Assigned to 23; told up to 21.
  const assigned = [add(23, 2)];
  const next = open(snapshot, 21, assigned);
  expect(next.market.standing('run-2')).toBeUndefined();
  playTick(next.market, []);
  playTick(next.market, assigned);
  for (let tick = 21; tick <= 23; tick += 1) playTick(first.market, assigned);
  expect(next.market.snapshot()).toEqual(first.market.snapshot());
  expect(next.market.standing('run-2')).toMatchObject({ isOpen: true, equity: dollars(50_000) });
});

test('a follower is the leader’s equal with agents that come and go, and asks for commands only with news', async () => {
  const engine = memoryEngine();
  const hub = createHub({ contracts: [marketTicks, agentEquity, agentActivity], engine });
  const leader = open(null, 0, []);
  let kept: unknown = json(keepMarket(leader));
  let asked = 0;
  const following = createFollowing({
    hub,
    store: {
      load: async () => kept,
      async commands(after) {
        asked += 1;
        // The leader may have written of ticks that nobody has heard of yet.
        return COMMANDS.filter((one) => one.tick > after);
      },
    },
  });
  for (let tick = 1; tick <= 75; tick += 1) {
    const { report } = playTick(leader.market, COMMANDS);
    leader.overview.note(report);
    await hub.publishMany(tickItems(report));
    if (tick === 40) kept = json(keepMarket(leader));
    if (![3, 32, 33, 40, 62, 75].includes(tick)) continue;
    const { market, overview } = await following.current();
    expect(market.snapshot()).toEqual(leader.market.snapshot());
    expect(overview.state()).toEqual(leader.overview.state());
    const askedBefore = asked;
    await following.current();
    expect(asked).toBe(askedBefore);
  }
  await hub.close();
  await engine.close();
});

test('what people’s agents do is told to nobody else', () => {
  const { market } = open(null, 0, []);
  let trades = 0;
  for (let tick = 1; tick <= 80; tick += 1) {
    const { report } = playTick(market, COMMANDS);
    trades += report.fills.filter(({ agentId }) => agentId.startsWith('run-')).length;
    expect(JSON.stringify(tickItems(report))).not.toContain('"run-');
    expect(publicPart(report).equity).toHaveLength(5);
  }
  expect(trades).toBeGreaterThan(0);
});

test('a command that does not fit the market is skipped, and the Floor’s own agents cannot be closed', () => {
  const { market } = open(null, 0, []);
  const odd: MarketCommand[] = [
    { kind: 'close-agent', agentId: 'nobody' },
    { kind: 'close-agent', agentId: 'gemini_grid' },
    { kind: 'set-rules', agentId: 'nobody', rules: [] },
    { kind: 'add-agent', agentId: 'gemini_grid', strategy: 'hold', cash: 1, rules: [] },
  ];
  const { report, ended } = playTick(
    market,
    odd.map((command) => ({ tick: 1, command })),
  );
  expect(ended).toEqual([]);
  expect(report.equity.map(({ agentId }) => agentId)).toHaveLength(5);
  expect(market.standing('gemini_grid')).toMatchObject({ isOpen: true, strategy: 'grid' });
});

test('an agent that ends is in the batch with its last figures, also when the save before failed', async () => {
  const opened = open(null, 0, []);
  const saved: MarketBatch[] = [];
  let isBroken = true;
  const journal = createJournal(
    opened,
    {
      async save(batch) {
        if (isBroken) throw new Error('not now');
        saved.push(batch);
      },
    },
    0,
  );
  const commands = [add(2, 4), close(38, 4)];
  for (let tick = 1; tick <= 39; tick += 1) journal.note(playTick(opened.market, commands));
  await expect(journal.save()).rejects.toThrow('not now');
  isBroken = false;
  journal.note(playTick(opened.market, []));
  await journal.save();
  const [batch] = saved;
  expect(batch?.ended).toMatchObject([
    { tick: 37, standing: { agentId: 'run-4', isOpen: false, startingCash: dollars(50_000) } },
  ]);
  const standing = batch?.ended[0]?.standing;
  expect(batch?.standings.map(({ agentId }) => agentId)).not.toContain('run-4');
  expect(batch?.fills.filter(({ agentId }) => agentId === 'run-4').length).toBeGreaterThan(0);
  expect(batch?.equity.filter(({ agentId }) => agentId === 'run-4').at(-1)).toMatchObject({
    tick: 37,
    equity: standing?.equity,
  });
  await journal.save();
  expect(saved[1]?.ended).toEqual([]);
});
