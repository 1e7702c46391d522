// Each figure against an example worked by hand, and what cannot be reckoned: null and why, never NaN.

import { describe, expect, test } from 'vitest';
import { isInSession, sessionsBetween } from '../market/calendar.ts';
import { dollars } from '../market/money.ts';
import { curveOf, tradeOf } from '../testing/trade-samples.ts';
import { currentDrawdown, maximumDrawdown } from './drawdown.ts';
import { exposureOf } from './exposure.ts';
import { actionOf, groupsBy, hourOf, symbolOf } from './patterns.ts';
import { dayReturns, periodReturns, spanOf, totalReturn } from './returns.ts';
import { deviation, sharpe, sortino, volatility } from './risk.ts';
import { longestStreak, streaksOf, tradeStatistics } from './trade-statistics.ts';

/** Half a session of 6.5 hours: 3.25 of them. A year has 261. */
const half = { years: 0.5 / 261, basis: 'sessions', length: 0.5 } as const;

describe('returns', () => {
  test('a total return is end over start, less one', () => {
    // 105,200 / 100,000 - 1 = 0.052
    expect(totalReturn(dollars(100_000), dollars(105_200)).value).toBeCloseTo(0.052, 12);
    expect(totalReturn(0, dollars(1))).toEqual({ value: null, why: 'it began with nothing' });
  });

  test('each point is a return on the one before, and none is reckoned from nothing', () => {
    // 110 / 100 - 1 = 0.1; 99 / 110 - 1 = -0.1; 99 / 99 - 1 = 0
    const returns = periodReturns(curveOf([100, 110, 99, 99]));
    expect(returns.map((one) => Number(one.toFixed(12)))).toEqual([0.1, -0.1, 0]);
    expect(periodReturns(curveOf([100, 0, 50]))).toEqual([-1]);
    expect(periodReturns(curveOf([100]))).toEqual([]);
    expect(periodReturns([])).toEqual([]);
  });

  test('a day goes from the last point of the day before', () => {
    const points = [
      { at: '2026-01-05T09:30:00.000Z', equity: dollars(100), cash: 0 },
      { at: '2026-01-05T15:00:00.000Z', equity: dollars(110), cash: 0 },
      { at: '2026-01-06T10:00:00.000Z', equity: dollars(50), cash: 0 },
      { at: '2026-01-06T15:00:00.000Z', equity: dollars(99), cash: 0 },
    ];
    // 110 / 100 - 1 = 0.1; 99 / 110 - 1 = -0.1
    expect(dayReturns(points)).toMatchObject([
      { date: '2026-01-05', ratio: expect.closeTo(0.1, 12), profit: dollars(10) },
      { date: '2026-01-06', ratio: expect.closeTo(-0.1, 12), profit: dollars(-11) },
    ]);
    expect(dayReturns([])).toEqual([]);
  });
});

describe('time', () => {
  test('sessions count from 09:30 to 16:00 on weekdays; nights and weekends are none', () => {
    // Friday 12:45 to its close is half a session of 6.5 hours; Saturday and Sunday nothing; Monday 09:30 to 12:45 half.
    expect(sessionsBetween('2026-01-02T12:45:00Z', '2026-01-05T12:45:00Z')).toBe(1);
    expect(sessionsBetween('2026-01-03T00:00:00Z', '2026-01-04T23:00:00Z')).toBe(0);
    expect(isInSession('2026-01-05T09:30:00Z')).toBe(true);
    expect(isInSession('2026-01-05T16:00:00Z')).toBe(true);
    expect(isInSession('2026-01-05T09:29:59Z')).toBe(false);
    expect(isInSession('2026-01-04T12:00:00Z')).toBe(false);
  });

  test('points of sessions are measured in sessions, others in days, none in nothing', () => {
    const at = (time: string) => ({ at: time, equity: 1, cash: 1 });
    const inside = [at('2026-01-05T09:30:00.000Z'), at('2026-01-06T12:45:00.000Z')];
    expect(spanOf(inside)).toEqual({ years: 1.5 / 261, basis: 'sessions', length: 1.5 });
    const outside = [at('2026-01-03T00:00:00.000Z'), at('2026-01-05T00:00:00.000Z')];
    expect(spanOf(outside)).toEqual({ years: 2 / 365.25, basis: 'days', length: 2 });
    expect(spanOf([]).years).toBe(0);
  });
});

describe('risk', () => {
  // mean = (0.02 - 0.01 + 0.03 + 0) / 4 = 0.01
  const returns = [0.02, -0.01, 0.03, 0];
  // Σ(r - mean)² = 0.01² + 0.02² + 0.02² + 0.01² = 0.001; / 3 = 0.000333…; √ = 0.0182574
  const spread = Math.sqrt(0.001 / 3);
  // 4 returns in half a session of 261 a year: 4 / (0.5 / 261) = 2088 a year; √2088 = 45.6946
  const perYear = Math.sqrt(2088);

  test('the deviation is that of a sample', () => {
    expect(deviation(returns).value).toBeCloseTo(spread, 12);
    expect(spread).toBeCloseTo(0.0182574, 7);
  });

  test('volatility is the deviation times the root of the returns a year', () => {
    // 0.0182574 × 45.6946 = 0.834266
    expect(volatility(returns, half).value).toBeCloseTo(0.834266, 5);
    expect(volatility(returns, half).value).toBeCloseTo(spread * perYear, 12);
  });

  test('Sharpe is mean over deviation, Sortino mean over downside deviation, both a year', () => {
    // 0.01 / 0.0182574 = 0.547723; × 45.6946 = 25.02798
    expect(sharpe(returns, half).value).toBeCloseTo(25.028, 3);
    // downside: √((0.01²) / 4) = 0.005; 0.01 / 0.005 = 2; × 45.6946 = 91.3893
    expect(sortino(returns, half).value).toBeCloseTo(91.3893, 4);
  });

  test('what cannot be reckoned is null and says why', () => {
    const few = 'there are fewer than two returns';
    for (const none of [[], [0.01]]) {
      for (const of of [sharpe, sortino, volatility]) expect(of(none, half).why).toBe(few);
    }
    expect(sharpe([0, 0, 0], half)).toEqual({ value: null, why: 'the equity never moved' });
    expect(sortino([0, 0], half)).toEqual({ value: null, why: 'the equity never moved' });
    expect(sortino([0.01, 0.02], half).why).toBe('there was no losing period');
    expect(volatility([0.01, 0.02], { ...half, years: 0 }).why).toBe('no trading time has passed');
    expect(volatility([0, 0], half)).toEqual({ value: 0 });
    // Steady growth deviates only by the rounding of floats: no ratio in the billions.
    expect(sharpe([0.1, 0.1, 0.1], half).why).toBe('the equity never moved');
  });
});

describe('drawdown', () => {
  test('is the deepest fall from a high, with when it began, ended and was made good', () => {
    // High 120, low 90: 30 / 120 = 0.25. The later fall, 130 to 117, is 0.1.
    const found = maximumDrawdown(curveOf([100, 120, 100, 90, 130, 117]));
    expect(found).toMatchObject({
      ratio: 0.25,
      peak: { at: '2026-01-05T11:00:00.000Z', equity: dollars(120) },
      trough: { at: '2026-01-05T13:00:00.000Z', equity: dollars(90) },
      recoveredAt: '2026-01-05T14:00:00.000Z',
    });
    expect(currentDrawdown(curveOf([100, 120, 130, 117]))).toBeCloseTo(0.1, 12);
  });

  test('one that is not made good says so; a curve that never falls has none', () => {
    expect(maximumDrawdown(curveOf([100, 80, 90]))?.recoveredAt).toBeNull();
    expect(maximumDrawdown(curveOf([100, 100, 101]))).toBeNull();
    expect(maximumDrawdown(curveOf([100]))).toBeNull();
    expect(maximumDrawdown([])).toBeNull();
    expect(currentDrawdown([])).toBe(0);
  });
});

test('exposure is the share of equity that is not cash', () => {
  const at = '2026-01-05T10:00:00.000Z';
  const points = [
    { at, equity: dollars(100), cash: dollars(100) },
    { at, equity: dollars(100), cash: dollars(20) },
    { at, equity: dollars(200), cash: dollars(150) },
    { at, equity: dollars(100), cash: dollars(130) },
  ];
  // 0, 80 / 100, 50 / 200, |-30| / 100: mean (0 + 0.8 + 0.25 + 0.3) / 4 = 0.3375, three of four in the market
  expect(exposureOf(points)).toEqual({
    average: { value: expect.closeTo(0.3375, 12) },
    highest: { value: 0.8 },
    now: { value: 0.3 },
    timeInMarket: { value: 0.75 },
  });
  expect(exposureOf([]).average).toEqual({ value: null, why: 'there are no equity points' });
});

describe('trades', () => {
  test('rates and means are of what was won and lost after fees', () => {
    // Won 30 and 10, lost 20, and one at nothing. Fees 1 each: before fees 31, 11, -19 and 1.
    const fees = dollars(1);
    const seen = tradeStatistics([30, -20, 10, 0].map((profit, n) => tradeOf(n, profit, { fees })));
    expect(seen).toMatchObject({ count: 4, wins: 2, losses: 1, flat: 1 });
    expect(seen.winRate.value).toBe(0.5);
    expect(seen.averageWin.value).toBe(dollars(20)); // (30 + 10) / 2
    expect(seen.averageLoss.value).toBe(dollars(-20));
    expect(seen.payoff.value).toBe(1); // 20 / 20
    expect(seen.breakEvenWinRate.value).toBe(0.5); // 1 / (1 + 1)
    expect(seen.profitFactor.value).toBe(2); // 40 / 20
    expect(seen.expectancy.value).toBe(dollars(5)); // 20 / 4
    expect([seen.gross, seen.fees, seen.profit]).toEqual([dollars(24), dollars(4), dollars(20)]);
    expect(seen.averageHeldMs.value).toBe(600_000);
  });

  test('without trades, wins or losses there is no rate, and it is said why', () => {
    const none = tradeStatistics([]);
    for (const of of ['winRate', 'averageWin', 'payoff', 'profitFactor', 'expectancy'] as const) {
      expect(none[of]).toEqual({ value: null, why: 'no trade is closed yet' });
    }
    expect(tradeStatistics([tradeOf(1, 5)]).profitFactor.why).toBe('no trade was lost');
    expect(tradeStatistics([tradeOf(1, 5)]).payoff.why).toBe('no trade was lost');
    expect(tradeStatistics([tradeOf(1, -5)]).payoff.why).toBe('no trade was won');
    expect(tradeStatistics([tradeOf(1, -5)]).profitFactor.value).toBe(0);
    const unknown = tradeStatistics([tradeOf(1, 5, { heldMs: null })]);
    expect(unknown.averageHeldMs.value).toBeNull();
  });

  test('streaks are trades without one of the other kind between them; a flat one ends none', () => {
    const trades = [5, 0, 7, -1, -2, -3, 4].map((profit, n) => tradeOf(n, profit));
    const streaks = streaksOf(trades);
    expect(streaks.map(({ kind, trades: of }) => `${kind} ${of.length}`)).toEqual([
      ...['wins 2', 'losses 3', 'wins 1'],
    ]);
    expect(longestStreak(streaks, 'losses')?.trades.map(({ number }) => number)).toEqual([3, 4, 5]);
    expect(longestStreak(streaksOf([]), 'wins')).toBeNull();
  });

  test('patterns are the same figures for each hour of entry, symbol and action', () => {
    const at = (time: string) => ({ at: time, fillNumber: 0, decisionNumber: 0, tag: 'enter' });
    const trades = [
      tradeOf(1, 5, { opened: at('2026-01-05T09:59:00.000Z') }),
      tradeOf(2, -2, { opened: at('2026-01-06T09:31:00.000Z'), symbol: 'BBB' }),
      tradeOf(3, 4, { opened: null, closed: { at: '', decisionNumber: 0, tag: 'grid:AAA:1' } }),
    ];
    const told = (by: Parameters<typeof groupsBy>[1]): unknown[] =>
      groupsBy(trades, by).map(({ key, statistics }) => [key, statistics.count, statistics.profit]);
    expect(told(hourOf)).toEqual([['09', 2, dollars(3)]]);
    expect(told(symbolOf)).toEqual([
      ['AAA', 2, dollars(9)],
      ['BBB', 1, dollars(-2)],
    ]);
    expect(told(actionOf)).toEqual([
      ['grid', 1, dollars(4)],
      ['leave', 2, dollars(3)],
    ]);
  });
});
