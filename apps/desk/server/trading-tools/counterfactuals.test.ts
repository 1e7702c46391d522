// What rules would have saved, worked by hand.

import { describe, expect, test } from 'vitest';
import { dollars } from '../market/money.ts';
import type { ClosedTrade, RunRecord } from '../run-record/run-record.ts';
import { curveOf, fillOf, tradeOf } from '../testing/trade-samples.ts';
import { RECKONINGS } from './counterfactuals.ts';

const at = (time: string, day = '05'): ClosedTrade['opened'] => ({
  ...{ at: `2026-01-${day}T${time}:00.000Z`, fillNumber: 0, decisionNumber: 0, tag: 'enter' },
});

function recordOf(trades: readonly ClosedTrade[], more: Partial<RunRecord> = {}): RunRecord {
  return {
    run: {
      ...{ id: 'r', modelId: 'm', modelName: 'M', strategy: 's', number: 1, isImported: true },
      ...{ status: 'completed', startedAt: '', updatedAt: '' },
      ...{ startingCash: dollars(10_000), cash: dollars(10_000), equity: dollars(10_000) },
      ...{ realised: 0, unrealised: 0, fees: 0, orderCount: 0, fillCount: 0 },
      ...{ closingCount: 0, winCount: 0 },
    },
    executions: [...new Set(trades.map(({ symbol }) => symbol))].map((symbol, n) =>
      fillOf(n, 'buy', 1, 1, { symbol }),
    ),
    ...{ trades, positions: [], equity: [], decisions: [], rules: [], cuts: [] },
    ...more,
  };
}

const reckon = (kind: keyof typeof RECKONINGS, record: RunRecord) => RECKONINGS[kind]?.(record);

test('symbols that lost over three trades are barred, at most a third of them', () => {
  const trades = [
    ...[-10, -20, 5].map((profit, n) => tradeOf(n, profit, { symbol: 'BAD' })),
    ...[-99, -99].map((profit, n) => tradeOf(10 + n, profit, { symbol: 'FEW' })),
    ...[50, -1, -1].map((profit, n) => tradeOf(20 + n, profit, { symbol: 'GOOD' })),
  ];
  // -10 - 20 + 5 = -25; FEW has too few trades to be judged.
  expect(reckon('allowed_symbols', recordOf(trades))).toMatchObject({
    rule: { kind: 'allowed_symbols', symbols: ['FEW', 'GOOD'] },
    saved: dollars(25),
    affected: [{ number: 0 }, { number: 1 }, { number: 2 }],
  });
  const good = [1, 2, 3].map((n) => tradeOf(n, 5));
  expect(reckon('allowed_symbols', recordOf(good))).toMatchObject({ saved: null });
});

test('hours are the window outside which most was lost, but never half of the trades', () => {
  const trades = [
    ...[30, 20].map((profit, n) => tradeOf(n, profit, { opened: at('10:00') })),
    tradeOf(2, -5, { opened: at('11:30') }),
    tradeOf(3, -40, { opened: at('15:00') }),
  ];
  // Only 10:00 to 11:00 would save 45, by two of four trades; that is half, and allowed.
  expect(reckon('trading_hours', recordOf(trades))).toMatchObject({
    rule: { from: '10:00', to: '11:00' },
    saved: dollars(45),
  });
  const one = [tradeOf(1, -5, { opened: at('10:00') })];
  expect(reckon('trading_hours', recordOf(one))).toMatchObject({ saved: null });
});

test('trades a day are cut where the later ones lost, two orders for each', () => {
  const trades = [
    tradeOf(1, 10, { opened: at('10:00') }),
    tradeOf(2, 10, { opened: at('11:00') }),
    tradeOf(3, -30, { opened: at('12:00') }),
    tradeOf(4, 5, { opened: at('10:00', '06') }),
  ];
  expect(reckon('max_trades_per_day', recordOf(trades))).toMatchObject({
    rule: { kind: 'max_trades_per_day', trades: 4 },
    saved: dollars(30),
    affected: [{ number: 3 }],
  });
});

test('a daily loss stops buying from the point at which the equity fell so far', () => {
  // Opens at 1,000 and is 1% below at 11:00: what is opened at 12:00 is dropped, what was at 10:30 is not.
  const equity = curveOf([1_000, 990, 980]);
  const trades = [
    tradeOf(1, -10, { opened: at('10:30') }),
    tradeOf(2, -7, { opened: at('12:00') }),
    tradeOf(3, 1, { opened: at('10:10') }),
  ];
  expect(reckon('max_daily_loss', recordOf(trades, { equity }))).toMatchObject({
    rule: { kind: 'max_daily_loss', percent: 0.25 },
    saved: dollars(7),
    affected: [{ number: 2 }],
  });
});

test('a large position is scaled down to its limit', () => {
  // 4,000 of 10,000 is 40%. At 5%, seven eighths of a loss of 80 are saved: 70. The 5% trade is left alone.
  const trades = [
    tradeOf(1, -80, { cost: dollars(4_000), opened: at('10:00') }),
    tradeOf(2, -8, { cost: dollars(500), opened: at('10:00') }),
  ];
  expect(reckon('max_position', recordOf(trades))).toMatchObject({
    rule: { kind: 'max_position', percentOfEquity: 5 },
    saved: dollars(70),
    affected: [{ number: 1 }],
  });
});

describe('a stop loss', () => {
  const small = (n: number, profit: number): ClosedTrade => tradeOf(n, profit);

  test('helps where a few trades fell far beyond the usual swing', () => {
    // Ten trades of ±0.1% and one of -10%: whatever is set between is worth most of that one.
    const trades = [
      ...Array.from({ length: 10 }, (_, n) => small(n, n % 2 === 0 ? 1 : -1)),
      small(99, -100),
    ];
    const found = reckon('stop_loss', recordOf(trades));
    expect(found).toMatchObject({ rule: { kind: 'stop_loss' }, affected: [{ number: 99 }] });
    // Cut at p, a loss of 100 on 1,000 is one of 10p: no more can be saved, and what touched p is taken off.
    const rule = found?.saved === null || found === undefined ? undefined : found.rule;
    if (rule?.kind !== 'stop_loss') throw new Error('no stop loss');
    expect(found?.saved).toBeLessThanOrEqual(dollars(100 - 10 * rule.percent));
    expect(found?.saved).toBeGreaterThan(0);
  });

  test('does not help where winners swing as widely as losers', () => {
    const trades = Array.from({ length: 20 }, (_, n) => small(n, n % 4 === 0 ? -20 : 20));
    expect(reckon('stop_loss', recordOf(trades))).toMatchObject({ saved: null });
    expect(reckon('stop_loss', recordOf([small(1, -5)]))).toMatchObject({ saved: null });
  });
});

test('without trades no rule would have helped, and each says why', () => {
  for (const kind of Object.keys(RECKONINGS) as (keyof typeof RECKONINGS)[]) {
    expect(reckon(kind, recordOf([]))).toMatchObject({ saved: null, why: expect.any(String) });
  }
});
