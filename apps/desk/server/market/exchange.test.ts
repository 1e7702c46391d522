// Orders through the exchange: who pays what, to whom, and what stays in the book.
import { expect, test } from 'vitest';
import { createExchange, type Exchange, FEE_ACCOUNT } from './exchange.ts';
import { dollars } from './money.ts';
import type { OrderRequest } from './order.ts';

const request = (terms: Partial<OrderRequest>): OrderRequest => ({
  symbol: 'X',
  venue: 'harbour',
  side: 'buy',
  quantity: 10,
  kind: 'market',
  limit: null,
  tag: '',
  ...terms,
});

/** A maker offers 10 at $10.00 and 10 at $10.10; two agents have $10,000 each. */
function openExchange(): Exchange {
  const instruments = [{ symbol: 'X', name: 'X', tickSize: dollars(0.01) }];
  const exchange = createExchange({ instruments, fees: { takerBps: 10, makerBps: 5 } });
  exchange.open('maker', 'maker', 0);
  exchange.open('ann', 'agent', dollars(10_000));
  exchange.open('bob', 'agent', dollars(10_000));
  exchange.beginTick({ tick: 1, time: '2026-01-05T09:30:00.000Z' });
  const listing = exchange.listing('X', 'harbour');
  if (listing === undefined) throw new Error('nothing is listed');
  exchange.background('maker', listing, { side: 'sell', quantity: 10, limit: dollars(10) });
  exchange.background('maker', listing, { side: 'sell', quantity: 10, limit: dollars(10.1) });
  return exchange;
}

test('a market order walks the book: price, fee and slippage are exact', () => {
  const exchange = openExchange();
  const outcome = exchange.submit('ann', 7, request({ quantity: 15 }));
  expect(outcome).toMatchObject({
    filled: 15,
    notional: dollars(150.5),
    fee: dollars(0.1505),
    slippage: dollars(0.5),
    resting: 0,
  });
  expect(
    exchange.fills().map(({ price, quantity, decisionId }) => [price, quantity, decisionId]),
  ).toEqual([
    [dollars(10), 10, 7],
    [dollars(10.1), 5, 7],
  ]);
  expect(exchange.accounts.get('ann')?.cash).toBe(dollars(10_000 - 150.5 - 0.1505));
  expect(exchange.accounts.get('maker')?.cash).toBe(dollars(150.5) - dollars(0.07525));
  expect(exchange.accounts.get(FEE_ACCOUNT)?.cash).toBe(dollars(0.1505) + dollars(0.07525));
});

test('an order that may rest is filled in parts by others, and counts as one trade', () => {
  const exchange = openExchange();
  const bid = request({ kind: 'day', limit: dollars(9.5), quantity: 10, tag: 'mine' });
  const { orderId, resting } = exchange.submit('ann', 1, bid);
  expect(resting).toBe(10);
  const listing = exchange.listing('X', 'harbour')!;
  exchange.background('maker', listing, { side: 'sell', quantity: 4, limit: null });
  expect(exchange.working.get(orderId)?.remaining).toBe(6);
  exchange.background('maker', listing, { side: 'sell', quantity: 6, limit: null });
  expect(exchange.working.has(orderId)).toBe(false);
  expect(exchange.accounts.get('ann')?.tradesToday).toBe(1);
  expect(exchange.fills().map(({ liquidity, tag, price }) => [liquidity, tag, price])).toEqual([
    ['maker', 'mine', dollars(9.5)],
    ['maker', 'mine', dollars(9.5)],
  ]);
});

test('an immediate-or-cancel order stops at its limit and leaves nothing behind', () => {
  const exchange = openExchange();
  const outcome = exchange.submit(
    'ann',
    1,
    request({ kind: 'ioc', limit: dollars(10), quantity: 15 }),
  );
  expect(outcome).toMatchObject({ filled: 10, resting: 0, slippage: 0 });
  expect(exchange.working.size).toBe(0);
});

test('two agents trade with each other, and each sees the other as counterparty', () => {
  const exchange = openExchange();
  exchange.submit('ann', 1, request({ quantity: 10 }));
  exchange.submit('ann', 2, request({ side: 'sell', kind: 'day', limit: dollars(10.05) }));
  exchange.submit('bob', 3, request({ quantity: 10 }));
  const last = exchange.fills().slice(-2);
  expect(
    last.map(({ agentId, counterparty, side, realised }) => [
      agentId,
      counterparty,
      side,
      realised,
    ]),
  ).toEqual([
    ['bob', 'ann', 'buy', 0],
    ['ann', 'bob', 'sell', dollars(0.5)],
  ]);
});

test('a cancelled order leaves the book and is reported with its reason', () => {
  const exchange = openExchange();
  const { orderId } = exchange.submit('ann', 1, request({ kind: 'day', limit: dollars(9) }));
  expect(exchange.cancel(orderId, 'agent')).toBe(true);
  expect(exchange.cancel(orderId, 'agent')).toBe(false);
  expect(exchange.cancelled()).toEqual([{ orderId, agentId: 'ann', remaining: 10, why: 'agent' }]);
  expect(exchange.listing('X', 'harbour')?.book.levels('buy', 1)).toEqual([]);
});

test('an account cannot be opened twice, nor an unknown one trade', () => {
  const exchange = openExchange();
  expect(() => exchange.open('ann', 'agent', 1)).toThrow('exists already');
  expect(() => exchange.submit('nobody', 1, request({}))).toThrow('no account');
});
