// A limit order book for one instrument at one venue: price-time priority, partial fills.
// Owns: matching. Refuses to own: accounts, fees, who may trade (exchange.ts settles what is matched).
// An order never trades with its owner: the resting one leaves the book instead.
//
//   bids: best (highest) last … asks: best (lowest) last — matching pops from the end, cheaply.

import type { Money } from './money.ts';
import type { Side } from './order.ts';

export type BookOrder = {
  readonly id: number;
  readonly owner: string;
  readonly side: Side;
  readonly price: Money;
  /** Shares still to trade. */
  quantity: number;
};

export interface BookTrade {
  /** The resting order's price: the one who waits gets the price he asked for. */
  readonly price: Money;
  readonly quantity: number;
  readonly restingId: number;
  readonly restingOwner: string;
}

export interface MatchResult {
  readonly trades: readonly BookTrade[];
  /** Shares left in the book (or dropped, where the order may not rest). */
  readonly remaining: number;
  /** Own resting orders that stood in the way and were taken out. */
  readonly removed: readonly BookOrder[];
}

export interface BookLevel {
  readonly price: Money;
  readonly quantity: number;
}

export interface OrderBook {
  /** Matches; `limit` null takes any price. What is left rests if `mayRest`. */
  submit(order: IncomingOrder): MatchResult;
  /** The order as it stood, or undefined when it is not there (any more). */
  cancel(id: number): BookOrder | undefined;
  cancelOwner(owner: string): void;
  /** Aggregated by price, best first, at most `depth` levels. */
  levels(side: Side, depth: number): readonly BookLevel[];
  /** What `submit` would trade for an outsider, without doing it. */
  estimate(
    side: Side,
    quantity: number,
    limit: Money | null,
  ): { quantity: number; notional: Money };
  /** A copy of every resting order, worst first: what `createOrderBook` takes. */
  orders(): { bids: BookOrder[]; asks: BookOrder[] };
}

export interface IncomingOrder {
  readonly id: number;
  readonly owner: string;
  readonly side: Side;
  readonly quantity: number;
  readonly limit: Money | null;
  readonly mayRest: boolean;
}

/** An empty book, or one with the orders that `orders()` gave. */
export function createOrderBook(saved?: {
  bids: readonly BookOrder[];
  asks: readonly BookOrder[];
}): OrderBook {
  let bids = (saved?.bids ?? []).map((order) => ({ ...order }));
  let asks = (saved?.asks ?? []).map((order) => ({ ...order }));
  const sideOf = (side: Side): BookOrder[] => (side === 'buy' ? bids : asks);

  return {
    submit(order) {
      const against = order.side === 'buy' ? asks : bids;
      const result = match(order, against);
      if (result.remaining > 0 && order.mayRest && order.limit !== null) {
        const { id, owner, side, limit } = order;
        rest(sideOf(side), { id, owner, side, price: limit, quantity: result.remaining });
      }
      return result;
    },
    cancel(id) {
      for (const queue of [bids, asks]) {
        const place = queue.findIndex((order) => order.id === id);
        if (place >= 0) return queue.splice(place, 1)[0];
      }
      return undefined;
    },
    cancelOwner(owner) {
      bids = bids.filter((order) => order.owner !== owner);
      asks = asks.filter((order) => order.owner !== owner);
    },
    levels: (side, depth) => aggregate(sideOf(side), depth),
    estimate: (side, quantity, limit) =>
      walk(side === 'buy' ? asks : bids, { side, quantity, limit }),
    orders: () => ({
      bids: bids.map((order) => ({ ...order })),
      asks: asks.map((order) => ({ ...order })),
    }),
  };
}

function reaches(side: Side, limit: Money | null, price: Money): boolean {
  if (limit === null) return true;
  return side === 'buy' ? price <= limit : price >= limit;
}

function match(order: IncomingOrder, against: BookOrder[]): MatchResult {
  const trades: BookTrade[] = [];
  const removed: BookOrder[] = [];
  let remaining = order.quantity;
  for (let best = against.at(-1); best !== undefined && remaining > 0; best = against.at(-1)) {
    if (!reaches(order.side, order.limit, best.price)) break;
    if (best.owner === order.owner) {
      removed.push(best);
      against.pop();
      continue;
    }
    const quantity = Math.min(remaining, best.quantity);
    const { price, id: restingId, owner: restingOwner } = best;
    trades.push({ price, quantity, restingId, restingOwner });
    best.quantity -= quantity;
    remaining -= quantity;
    if (best.quantity === 0) against.pop();
  }
  return { trades, remaining, removed };
}

/** Behind every order of a better or equal price: first come, first served. */
function rest(queue: BookOrder[], order: BookOrder): void {
  let place = queue.length;
  for (let ahead = queue[place - 1]; ahead !== undefined; ahead = queue[place - 1]) {
    const isAhead = order.side === 'buy' ? ahead.price >= order.price : ahead.price <= order.price;
    if (!isAhead) break;
    place -= 1;
  }
  queue.splice(place, 0, order);
}

function aggregate(queue: readonly BookOrder[], depth: number): readonly BookLevel[] {
  const levels: { price: Money; quantity: number }[] = [];
  for (let n = queue.length - 1; n >= 0; n -= 1) {
    const order = queue[n];
    if (order === undefined) break;
    const last = levels.at(-1);
    if (last?.price === order.price) last.quantity += order.quantity;
    else if (levels.length === depth) break;
    else levels.push({ price: order.price, quantity: order.quantity });
  }
  return levels;
}

function walk(
  queue: readonly BookOrder[],
  order: { side: Side; quantity: number; limit: Money | null },
): { quantity: number; notional: Money } {
  let quantity = 0;
  let notional = 0;
  for (let n = queue.length - 1; n >= 0 && quantity < order.quantity; n -= 1) {
    const resting = queue[n];
    if (resting === undefined || !reaches(order.side, order.limit, resting.price)) break;
    const part = Math.min(order.quantity - quantity, resting.quantity);
    quantity += part;
    notional += part * resting.price;
  }
  return { quantity, notional };
}
