// The thinning of the equity curve: bounded, evenly spaced, from the beginning on.

import { expect, test } from 'vitest';
import { addEquity, EMPTY_SERIES, type EquitySeries, MAX_POINTS } from './equity-series.ts';
import type { EquityUpdate } from './market-events.ts';

const update = (tick: number, ...ids: string[]): EquityUpdate => ({
  tick,
  time: new Date(Date.UTC(2026, 0, 5) + tick * 1_000).toISOString(),
  accounts: ids.map((agentId) => ({
    agentId,
    equity: tick * 10,
    cash: 0,
    profit: 0,
    dayProfit: 0,
  })),
});

function run(ticks: number): EquitySeries {
  let series = EMPTY_SERIES;
  for (let tick = 1; tick <= ticks; tick += 1) series = addEquity(series, update(tick, 'a', 'b'));
  return series;
}

test('a short run keeps every tick', () => {
  expect(run(5).points.map((point) => point.tick)).toEqual([1, 2, 3, 4, 5]);
});

test('a long run stays bounded, evenly spaced and complete', () => {
  for (const ticks of [241, 1_000, 20_000]) {
    const { points, everyTicks, latest } = run(ticks);
    expect(points.length).toBeGreaterThan(MAX_POINTS / 2 - 2);
    expect(points.length).toBeLessThanOrEqual(MAX_POINTS);
    expect(points.every((point, n) => point.tick === (n + 1) * everyTicks)).toBe(true);
    expect(latest?.tick).toBe(ticks);
  }
});

test('folding does not change the state that it was given', () => {
  const before = run(239);
  const copy = structuredClone(before);
  addEquity(addEquity(before, update(240, 'a', 'b')), update(241, 'a', 'b'));
  expect(before).toEqual(copy);
});

test('another line-up of agents begins another series', () => {
  const series = addEquity(run(10), update(11, 'c'));
  expect(series.agentIds).toEqual(['c']);
  expect(series.points.map((point) => point.tick)).toEqual([11]);
});
