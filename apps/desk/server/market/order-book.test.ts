// The book against a naive model of price-time priority, and the cases a reader wants spelled out.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Side } from './order.ts';
import { type BookTrade, createOrderBook, type IncomingOrder } from './order-book.ts';

const order = (
  id: number,
  owner: string,
  side: Side,
  quantity: number,
  limit: number | null,
  mayRest = true,
): IncomingOrder => ({ id, owner, side, quantity, limit, mayRest });

test('the better price trades first, and at one price the older order', () => {
  const book = createOrderBook();
  book.submit(order(1, 'a', 'sell', 10, 102));
  book.submit(order(2, 'b', 'sell', 10, 101));
  book.submit(order(3, 'c', 'sell', 10, 101));
  const { trades, remaining } = book.submit(order(4, 'd', 'buy', 25, 105));
  expect(trades.map(({ restingId, price, quantity }) => [restingId, price, quantity])).toEqual([
    [2, 101, 10],
    [3, 101, 10],
    [1, 102, 5],
  ]);
  expect(remaining).toBe(0);
});

test('a partly filled order keeps its place in front of later ones', () => {
  const book = createOrderBook();
  book.submit(order(1, 'a', 'buy', 10, 100));
  book.submit(order(2, 'b', 'buy', 10, 100));
  book.submit(order(3, 'c', 'sell', 4, 100));
  const { trades } = book.submit(order(4, 'c', 'sell', 8, 100));
  expect(trades.map(({ restingId, quantity }) => [restingId, quantity])).toEqual([
    [1, 6],
    [2, 2],
  ]);
});

test('what a limit order does not trade rests at its limit', () => {
  const book = createOrderBook();
  book.submit(order(1, 'a', 'sell', 5, 100));
  expect(book.submit(order(2, 'b', 'buy', 8, 100)).remaining).toBe(3);
  expect(book.levels('buy', 5)).toEqual([{ price: 100, quantity: 3 }]);
  expect(book.levels('sell', 5)).toEqual([]);
});

test('a market order takes what is there and never rests', () => {
  const book = createOrderBook();
  book.submit(order(1, 'a', 'sell', 5, 100));
  const result = book.submit(order(2, 'b', 'buy', 8, null));
  expect(result.remaining).toBe(3);
  expect(book.levels('buy', 5)).toEqual([]);
});

test('an order does not trade with its owner: the resting one leaves', () => {
  const book = createOrderBook();
  book.submit(order(1, 'a', 'sell', 5, 100));
  book.submit(order(2, 'b', 'sell', 5, 100));
  const result = book.submit(order(3, 'a', 'buy', 5, 100));
  expect(result.removed.map(({ id }) => id)).toEqual([1]);
  expect(result.trades.map(({ restingId }) => restingId)).toEqual([2]);
});

test('levels add up orders of one price, best first', () => {
  const book = createOrderBook();
  for (const [id, price] of [100, 99, 100, 98].entries()) {
    book.submit(order(id + 1, 'a', 'buy', 10, price));
  }
  expect(book.levels('buy', 2)).toEqual([
    { price: 100, quantity: 20 },
    { price: 99, quantity: 10 },
  ]);
});

test('a cancelled order is given back as it stood, and only once', () => {
  const book = createOrderBook();
  book.submit(order(1, 'a', 'buy', 10, 100));
  book.submit(order(2, 'b', 'sell', 4, 100));
  expect(book.cancel(1)?.quantity).toBe(6);
  expect(book.cancel(1)).toBeUndefined();
});

/** The same rules, written for clearness only: a list, sorted whenever somebody trades. */
function naiveBook() {
  let resting: { id: number; owner: string; side: Side; price: number; quantity: number }[] = [];
  return {
    submit(incoming: IncomingOrder): { trades: BookTrade[]; remaining: number } {
      const sign = incoming.side === 'buy' ? 1 : -1;
      const opposite = resting
        .filter((one) => one.side !== incoming.side)
        .toSorted((one, other) => sign * (one.price - other.price));
      const trades: BookTrade[] = [];
      let remaining = incoming.quantity;
      for (const one of opposite) {
        const { limit } = incoming;
        const isReached = limit === null || sign * (limit - one.price) >= 0;
        if (remaining === 0 || !isReached) break;
        if (one.owner === incoming.owner) {
          one.quantity = 0;
          continue;
        }
        const quantity = Math.min(remaining, one.quantity);
        const { price, id: restingId, owner: restingOwner } = one;
        trades.push({ price, quantity, restingId, restingOwner });
        one.quantity -= quantity;
        remaining -= quantity;
      }
      resting = resting.filter(({ quantity }) => quantity > 0);
      if (remaining > 0 && incoming.mayRest && incoming.limit !== null) {
        const { id, owner, side, limit: price } = incoming;
        resting.push({ id, owner, side, price, quantity: remaining });
      }
      return { trades, remaining };
    },
    cancel(id: number): void {
      resting = resting.filter((one) => one.id !== id);
    },
    ids: () => resting.map(({ id }) => id).toSorted((one, other) => one - other),
  };
}

const step = fc.record({
  owner: fc.constantFrom('a', 'b', 'c'),
  side: fc.constantFrom<Side>('buy', 'sell'),
  quantity: fc.integer({ min: 1, max: 20 }),
  limit: fc.option(fc.integer({ min: 95, max: 105 }), { freq: 6 }),
  mayRest: fc.boolean(),
  cancel: fc.option(fc.nat(60), { freq: 4 }),
});

test('any sequence of orders trades exactly as the naive model does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let book = createOrderBook();
      const model = naiveBook();
      for (const [n, { cancel, ...terms }] of steps.entries()) {
        const incoming = { id: n + 1, ...terms };
        const expected = model.submit(incoming);
        const { trades, remaining } = book.submit(incoming);
        expect({ trades, remaining }).toEqual(expected);
        if (cancel !== null) {
          book.cancel(cancel);
          model.cancel(cancel);
        }
        // Written down and read back in the middle, it goes on alike.
        if (n % 7 === 3) book = createOrderBook(book.orders());
      }
      const { bids, asks } = book.orders();
      const ids = [...bids, ...asks].map(({ id }) => id).toSorted((one, other) => one - other);
      expect(ids).toEqual(model.ids());
    }),
  );
});

test('a book is never crossed, and an estimate is what an outsider then trades', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), step, (steps, probe) => {
      const book = createOrderBook();
      for (const [n, terms] of steps.entries()) book.submit({ id: n + 1, ...terms });
      const bid = book.levels('buy', 1)[0]?.price ?? -Infinity;
      const ask = book.levels('sell', 1)[0]?.price ?? Infinity;
      expect(bid).toBeLessThan(ask);
      const { side, quantity, limit } = probe;
      const estimate = book.estimate(side, quantity, limit);
      const { trades } = book.submit({ ...probe, id: 1_000, owner: 'outsider' });
      expect(trades.reduce((sum, trade) => sum + trade.quantity, 0)).toBe(estimate.quantity);
      const paid = trades.reduce((sum, trade) => sum + trade.quantity * trade.price, 0);
      expect(paid).toBe(estimate.notional);
    }),
  );
});
