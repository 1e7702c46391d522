// Closed trades of fills, worked by hand.

import { expect, test } from 'vitest';
import { dollars } from '../market/money.ts';
import { fillOf } from '../testing/trade-samples.ts';
import { heldBefore, roundTrips } from './round-trips.ts';

test('what one order closes is one trade, with its share of what opening cost', () => {
  const trades = roundTrips([
    fillOf(1, 'buy', 10, 100, { fee: dollars(2) }),
    // 6 shares bought for 100 bring 110, then 105: 6 × 10 = 60 and 4 × 5 = 20, by one order.
    fillOf(2, 'sell', 6, 110, { orderNumber: 7, fee: dollars(0.6), realised: dollars(60) }),
    fillOf(3, 'sell', 4, 105, { orderNumber: 7, fee: dollars(0.4), realised: dollars(20) }),
  ]);
  expect(trades).toEqual([
    {
      ...{ number: 2, symbol: 'AAA', direction: 'long', quantity: 10 },
      opened: { at: '2026-01-05T10:01:00.000Z', fillNumber: 1, decisionNumber: 1, tag: 'buy' },
      closed: { at: '2026-01-05T10:03:00.000Z', decisionNumber: 2, tag: 'sell' },
      // (6 × 110 + 4 × 105) / 10 = 108
      ...{ entryPrice: dollars(100), exitPrice: dollars(108), cost: dollars(1_000) },
      ...{ gross: dollars(80), fees: dollars(3), profit: dollars(77) },
      // (6 × 1 min + 4 × 2 min) / 10 = 84 s
      heldMs: 84_000,
    },
  ]);
});

test('shares leave first in, first out, at the average cost that the account has', () => {
  // 10 at 100 and 10 at 120: on average 110. Selling 15 at 115 realises 15 × 5 = 75.
  const [trade, ...more] = roundTrips([
    fillOf(1, 'buy', 10, 100, { fee: dollars(1) }),
    fillOf(2, 'buy', 10, 120, { fee: dollars(3) }),
    fillOf(4, 'sell', 15, 115, { realised: dollars(75) }),
  ]);
  expect(more).toEqual([]);
  expect(trade).toMatchObject({
    ...{ entryPrice: dollars(110), gross: dollars(75), opened: { fillNumber: 1 } },
    // All of the first fee, half of the second.
    fees: dollars(2.5),
    // (10 × 3 min + 5 × 2 min) / 15 = 160 s
    heldMs: 160_000,
  });
});

test('shares that are owed are a short trade, and an order may turn from one to the other', () => {
  const trades = roundTrips([
    fillOf(1, 'sell', 10, 100),
    // Buys back 10 (won 10 × 5) and 5 more; those are sold for 5 × 2 less.
    fillOf(2, 'buy', 15, 95, { realised: dollars(50) }),
    fillOf(3, 'sell', 5, 93, { realised: dollars(-10) }),
  ]);
  expect(trades).toMatchObject([
    { number: 2, direction: 'short', entryPrice: dollars(100), exitPrice: dollars(95) },
    { number: 3, direction: 'long', entryPrice: dollars(95), exitPrice: dollars(93) },
  ]);
  expect(trades.map(({ profit }) => profit)).toEqual([dollars(50), dollars(-10)]);
});

test('shares from before the fills that were read have a price, and no time', () => {
  const newest = [fillOf(8, 'sell', 5, 110, { realised: dollars(50) }), fillOf(9, 'buy', 3, 90)];
  const held = heldBefore(newest, [{ symbol: 'AAA', quantity: 8, cost: 0, value: 0 }]);
  // 8 are held now: 8 - 3 + 5 = 10 before.
  expect(held.get('AAA')).toBe(10);
  const trades = roundTrips(newest, held);
  expect(trades).toMatchObject([
    { number: 8, entryPrice: dollars(100), opened: null, heldMs: null, profit: dollars(50) },
  ]);
});

test('no fills are no trades, and one that only opens is none yet', () => {
  expect(roundTrips([])).toEqual([]);
  expect(roundTrips([fillOf(1, 'buy', 1, 1)])).toEqual([]);
});
