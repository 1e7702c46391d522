// An account: cash, positions at cost, realised profit, fees. Owns the arithmetic of a trade.
// Identity that always holds, to the unit:
//   equity − starting cash = realised + unrealised − fees.
// A position's cost is the exact sum paid for what is still held (negative for shares owed), so the
// average cost is derived and never drifts. Fees are counted apart from cost and profit.
import { type Money, scale } from './money.ts';
import type { Side } from './order.ts';

export type Position = { quantity: number; cost: Money };

export type Account = {
  readonly id: string;
  readonly role: 'agent' | 'maker' | 'public' | 'fees' | 'estate';
  startingCash: Money;
  cash: Money;
  realised: Money;
  fees: Money;
  /** Orders that traded at least once today. */
  tradesToday: number;
  positions: Record<string, Position>;
};

export interface Settlement {
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: number;
  readonly notional: Money;
  readonly fee: Money;
}

export function openAccount(id: string, role: Account['role'], cash: Money): Account {
  const none = { realised: 0, fees: 0, tradesToday: 0 };
  return { id, role, startingCash: cash, cash, ...none, positions: {} };
}

/** Books a trade and gives the profit it realised, before fees. Longs, shorts and turns alike. */
export function settle(account: Account, trade: Settlement): Money {
  const signed = trade.side === 'buy' ? trade.quantity : -trade.quantity;
  const paid = trade.side === 'buy' ? trade.notional : -trade.notional;
  const held = account.positions[trade.symbol] ?? { quantity: 0, cost: 0 };
  account.cash -= paid + trade.fee;
  account.fees += trade.fee;

  const closing =
    held.quantity * signed < 0 ? Math.min(Math.abs(held.quantity), trade.quantity) : 0;
  const costOut = closing === 0 ? 0 : scale(held.cost, closing, Math.abs(held.quantity));
  const paidToClose = scale(paid, closing, trade.quantity);
  const realised = closing === 0 ? 0 : -paidToClose - costOut;
  const quantity = held.quantity + signed;
  if (quantity === 0) {
    delete account.positions[trade.symbol];
  } else {
    const cost = held.cost - costOut + (paid - paidToClose);
    account.positions[trade.symbol] = { quantity, cost };
  }
  account.realised += realised;
  return realised;
}

/** Everything of one account goes to another, which keeps the identity: all of its parts are sums. */
export function inherit(heir: Account, from: Account): void {
  heir.startingCash += from.startingCash;
  heir.cash += from.cash;
  heir.realised += from.realised;
  heir.fees += from.fees;
  for (const [symbol, { quantity, cost }] of Object.entries(from.positions)) {
    const held = heir.positions[symbol] ?? { quantity: 0, cost: 0 };
    // Also where it comes to no shares: what was paid for them is still there.
    heir.positions[symbol] = { quantity: held.quantity + quantity, cost: held.cost + cost };
  }
}

/** Value of the positions at the given prices; a symbol without a price is a wrong call. */
export function positionsValue(account: Account, priceOf: (symbol: string) => Money): Money {
  let value = 0;
  for (const [symbol, { quantity }] of Object.entries(account.positions)) {
    value += quantity * priceOf(symbol);
  }
  return value;
}

/** Cost of a position per share, rounded to the unit: for showing, not for reckoning. */
export function averageCost(position: Position): Money {
  return scale(Math.abs(position.cost), 1, Math.abs(position.quantity));
}
