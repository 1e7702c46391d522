// Fills, closed trades and curves that tests make by hand: only what a test is about has to be written.

import { dollars } from '../market/money.ts';
import type { ClosedTrade, EquityAt, Execution } from '../run-record/run-record.ts';

/** In dollars; number, order and decision are the same unless told. */
export function fillOf(
  number: number,
  side: 'buy' | 'sell',
  quantity: number,
  price: number,
  more: Partial<Execution> = {},
): Execution {
  return {
    ...{ number, orderNumber: number, decisionNumber: number, side, quantity },
    at: `2026-01-05T10:${String(number).padStart(2, '0')}:00.000Z`,
    ...{ symbol: 'AAA', price: dollars(price), notional: quantity * dollars(price) },
    ...{ fee: 0, realised: 0, liquidity: 'taker', tag: side },
    ...more,
  };
}

/** Closed with a profit in dollars, on a cost of $1,000, held for ten minutes of one hour. */
export function tradeOf(
  number: number,
  profit: number,
  more: Partial<ClosedTrade> = {},
): ClosedTrade {
  const fees = more.fees ?? 0;
  return {
    ...{ number, symbol: 'AAA', direction: 'long', quantity: 10 },
    opened: { at: '2026-01-05T10:00:00.000Z', fillNumber: 0, decisionNumber: 0, tag: 'enter' },
    closed: { at: '2026-01-05T10:10:00.000Z', decisionNumber: 0, tag: 'leave' },
    ...{ entryPrice: dollars(100), exitPrice: dollars(100 + profit / 10) },
    ...{ cost: dollars(1_000), gross: dollars(profit) + fees, fees, profit: dollars(profit) },
    heldMs: 600_000,
    ...more,
  };
}

/** One point an hour from 10:00 on, in dollars; all of it cash unless told. */
export function curveOf(equities: readonly number[], cash?: number): EquityAt[] {
  return equities.map((equity, n) => ({
    at: `2026-01-05T${String(10 + n).padStart(2, '0')}:00:00.000Z`,
    ...{ equity: dollars(equity), cash: dollars(cash ?? equity) },
  }));
}
