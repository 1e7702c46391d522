// The strategies do what their names say: on the simulated market, and where the answer is known.
import { expect, test } from 'vitest';
import { createMarket } from '../../market/market.ts';
import { dollars } from '../../market/money.ts';
import type { Fill } from '../../market/order.ts';
import { parsePriceCsv } from '../../market/price-csv.ts';
import { createRandom } from '../../market/prng.ts';
import { replayedPrices } from '../../market/replay.ts';
import type { AgentStanding, TickReport } from '../../market/report.ts';
import { STRATEGIES, type StrategyKind } from './registry.ts';

const SEEDS = ['one', 'two', 'three'] as const;

function play(
  strategy: StrategyKind,
  seed: string,
  days: number,
): { reports: TickReport[]; fills: Fill[]; end: AgentStanding } {
  const agents = [{ id: strategy, strategy }];
  const market = createMarket({ seed, strategies: STRATEGIES, agents });
  const reports = Array.from({ length: days * 600 }, () => market.tick());
  const fills = reports.flatMap((report) => report.fills);
  return { reports, fills, end: market.standing(strategy)! };
}

/** A market of one symbol whose price follows `priceAt`, ten-minute bars, 36 a day. */
function replay(strategy: StrategyKind, bars: number, priceAt: (bar: number) => number) {
  const lines = Array.from({ length: bars }, (_, n) => {
    const date = new Date(
      Date.UTC(2026, 0, 5 + Math.floor(n / 36), 9 + Math.floor((n % 36) / 6), (n % 6) * 10),
    );
    const [open, close] = [priceAt(n), priceAt(n + 1)].map((price) => price.toFixed(2));
    const [high, low] = [
      Math.max(Number(open), Number(close)),
      Math.min(Number(open), Number(close)),
    ];
    return `SYN,${date.toISOString()},${open},${high},${low},${close},4000`;
  });
  const parsed = parsePriceCsv(['symbol,time,open,high,low,close,volume', ...lines].join('\n'));
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  const agents = [{ id: strategy, strategy }];
  const prices = replayedPrices(parsed.bars);
  const market = createMarket({ seed: 'replay', strategies: STRATEGIES, prices, agents });
  while (!market.clock().isOver) market.tick();
  return market.standing(strategy)!;
}

/** Around 100, forgetting itself: `memory` of the distance is left a bar later. */
function revertingSeries(memory: number, size: number): (bar: number) => number {
  const random = createRandom('structure');
  const prices = [100];
  let away = 0;
  for (let n = 0; n < 400; n += 1) {
    away = away * memory + size * random.normal();
    prices.push(100 + away);
  }
  return (bar) => prices[bar] ?? 100;
}

test('arbitrage: profits exist, are not absurd, and take no position', () => {
  for (const seed of SEEDS) {
    const { reports, end } = play('arbitrage', seed, 2);
    const perDay = (end.equity / end.startingCash - 1) / 2;
    expect(perDay).toBeGreaterThan(0.0002);
    expect(perDay).toBeLessThan(0.005);
    expect(end.holdings).toEqual([]);
    expect(end.tally.wins / end.tally.closings).toBeGreaterThan(0.95);
    for (const { decisions, orders } of reports) {
      for (const { id, reasoning } of decisions) {
        if (reasoning.kind !== 'arbitrage') continue;
        for (const gap of reasoning.taken) {
          expect(gap.netBps).toBeGreaterThanOrEqual(reasoning.thresholdBps);
          const legs = orders.filter(
            ({ decisionId, request }) => decisionId === id && request.symbol === gap.symbol,
          );
          expect(legs.map(({ filled }) => filled)).toEqual([gap.quantity, gap.quantity]);
          const net = legs.reduce(
            (sum, { request, notional, fee }) =>
              sum + (request.side === 'buy' ? -notional : notional) - fee,
            0,
          );
          expect(net).toBe(gap.expected);
        }
      }
    }
  }
});

test('momentum: rides a trend upwards and stays out of one downwards', () => {
  const up = replay('momentum', 144, (bar) => 100 * (1 + 0.002 * bar));
  expect(up.equity).toBeGreaterThan(dollars(103_000));
  const down = replay('momentum', 144, (bar) => 100 / (1 + 0.002 * bar));
  expect(down.tally.fills).toBe(0);
});

test('momentum: enters only above its score, and never holds more than three positions', () => {
  const { reports, fills } = play('momentum', 'one', 3);
  expect(fills.length).toBeGreaterThan(0);
  for (const { decisions } of reports) {
    for (const { reasoning } of decisions) {
      if (reasoning.kind !== 'momentum') continue;
      for (const { score } of reasoning.entered)
        expect(score).toBeGreaterThanOrEqual(reasoning.enterAbove);
    }
  }
  const held = new Map<string, number>();
  for (const { symbol, side, quantity } of fills) {
    held.set(symbol, (held.get(symbol) ?? 0) + (side === 'buy' ? quantity : -quantity));
    expect([...held.values()].filter((shares) => shares > 0).length).toBeLessThanOrEqual(3);
  }
});

test('grid: earns from going to and fro, waits in the book, and gives up when the floor is gone', () => {
  const sideways = replay('grid', 252, revertingSeries(0.8, 0.4));
  expect(sideways.realised).toBeGreaterThan(dollars(100));
  expect(sideways.tally.wins / sideways.tally.closings).toBeGreaterThan(0.7);
  const falling = replay('grid', 180, (bar) =>
    bar < 36 ? 100 + (bar % 2) : 101 / (1 + 0.004 * (bar - 36)),
  );
  expect(falling.realised).toBeLessThan(0);
  const { fills } = play('grid', 'one', 2);
  expect(fills.filter(({ liquidity }) => liquidity === 'maker').length).toBeGreaterThan(
    fills.length / 2,
  );
});

test('buy and hold: buys everything in equal parts on the first day and nothing after', () => {
  const { reports, fills, end } = play('hold', 'one', 2);
  expect(new Set(fills.map(({ symbol }) => symbol)).size).toBe(10);
  expect(fills.every(({ side }) => side === 'buy')).toBe(true);
  expect(reports.slice(60).every((report) => report.fills.length === 0)).toBe(true);
  for (const { cost } of end.holdings) {
    expect(cost / end.startingCash).toBeGreaterThan(0.09);
    expect(cost / end.startingCash).toBeLessThan(0.1);
  }
});

test('learned: on a series with structure its forecasts beat chance by far', () => {
  const end = replay('learned', 396, revertingSeries(0.55, 0.6));
  const reasoning = end.lastDecision?.reasoning;
  expect(reasoning).toMatchObject({ kind: 'learned' });
  if (reasoning?.kind !== 'learned') return;
  expect(reasoning.samples).toBeGreaterThan(800);
  expect(reasoning.hitRate).toBeGreaterThan(0.58);
});

test('learned: on the simulated market it is right more often than not, and reports its weights', () => {
  const rates = SEEDS.map((seed) => {
    const reasoning = play('learned', seed, 3).end.lastDecision?.reasoning;
    if (reasoning?.kind !== 'learned') throw new Error('another strategy decided');
    expect(reasoning.weights.some(({ weight }) => weight !== 0)).toBe(true);
    expect(reasoning.samples).toBeGreaterThan(10_000);
    return reasoning.hitRate ?? 0;
  });
  expect(rates.reduce((sum, rate) => sum + rate, 0) / rates.length).toBeGreaterThan(0.51);
});
