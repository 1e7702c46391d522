// Settlement: the equity identity holds to the unit, whatever is traded.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { averageCost, openAccount, positionsValue, settle } from './account.ts';
import { dollars } from './money.ts';

test('a sale realises its profit against the average cost, before fees', () => {
  const account = openAccount('a', 'agent', dollars(10_000));
  settle(account, { symbol: 'X', side: 'buy', quantity: 10, notional: dollars(100), fee: 100 });
  settle(account, { symbol: 'X', side: 'buy', quantity: 10, notional: dollars(120), fee: 100 });
  expect(averageCost(account.positions.X!)).toBe(dollars(11));
  const sale = { symbol: 'X', side: 'sell' as const, quantity: 5, notional: dollars(70), fee: 50 };
  expect(settle(account, sale)).toBe(dollars(15));
  expect(account.positions.X).toEqual({ quantity: 15, cost: dollars(165) });
  expect(account.fees).toBe(250);
});

test('selling more than is held closes the long and opens a short at its own cost', () => {
  const account = openAccount('a', 'maker', 0);
  settle(account, { symbol: 'X', side: 'buy', quantity: 4, notional: dollars(40), fee: 0 });
  const sale = { symbol: 'X', side: 'sell' as const, quantity: 10, notional: dollars(120), fee: 0 };
  expect(settle(account, sale)).toBe(dollars(8));
  expect(account.positions.X).toEqual({ quantity: -6, cost: dollars(-72) });
});

const trade = fc.record({
  symbol: fc.constantFrom('X', 'Y'),
  side: fc.constantFrom('buy' as const, 'sell' as const),
  quantity: fc.integer({ min: 1, max: 1_000 }),
  price: fc.integer({ min: 1, max: 5_000_000 }),
  fee: fc.integer({ min: 0, max: 10_000 }),
});

test('equity minus starting cash is realised plus unrealised minus fees, to the unit', () => {
  fc.assert(
    fc.property(fc.array(trade, { maxLength: 50 }), (trades) => {
      const account = openAccount('a', 'agent', dollars(100_000));
      const last: Record<string, number> = {};
      for (const { price, ...one } of trades) {
        settle(account, { ...one, notional: price * one.quantity });
        last[one.symbol] = price;
      }
      const value = positionsValue(account, (symbol) => last[symbol] ?? 0);
      const cost = Object.values(account.positions).reduce((sum, one) => sum + one.cost, 0);
      const gained = account.cash + value - account.startingCash;
      expect(gained).toBe(account.realised + (value - cost) - account.fees);
      for (const { quantity, cost: paid } of Object.values(account.positions)) {
        expect(Math.sign(quantity)).toBe(Math.sign(paid) || Math.sign(quantity));
      }
    }),
  );
});
