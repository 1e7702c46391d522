// The order check: each rule refuses what it should, says so with figures, and lets the rest through.
import { expect, test } from 'vitest';
import { dollars } from './money.ts';
import type { OrderRequest } from './order.ts';
import { type CheckFacts, checkOrder } from './order-check.ts';
import { type TradingRule, tradingRuleSchema } from './rule.ts';

const order = (terms: Partial<OrderRequest> = {}): OrderRequest => ({
  symbol: 'KELD',
  venue: 'harbour',
  side: 'buy',
  quantity: 100,
  kind: 'market',
  limit: null,
  tag: '',
  ...terms,
});

const facts = (terms: Partial<CheckFacts> = {}): CheckFacts => ({
  time: '2026-01-05T11:30:00.000Z',
  tickSize: dollars(0.01),
  estimate: { quantity: 100, notional: dollars(9_000) },
  fee: dollars(1),
  mark: dollars(90),
  freeCash: dollars(50_000),
  freeShares: 200,
  held: 200,
  buying: 0,
  equity: dollars(100_000),
  equityAtOpen: dollars(100_000),
  tradesToday: 3,
  untradedWorking: 1,
  isStopped: false,
  lossPercent: 0,
  ...terms,
});

const refusal = (
  request: OrderRequest,
  rules: readonly TradingRule[],
  known: CheckFacts,
): string | null => {
  const result = checkOrder(request, rules, known);
  return result.kind === 'accepted' ? null : `${result.ruleId}: ${result.reason}`;
};

test('what holds for everybody is checked first and named as the exchange’s', () => {
  expect(refusal(order(), [], facts())).toBeNull();
  const cases: [Partial<OrderRequest>, Partial<CheckFacts>, string][] = [
    [{ symbol: 'NOPE' }, { tickSize: undefined }, 'exchange/symbol: There is no instrument NOPE'],
    [{ quantity: 1.5 }, {}, 'exchange/quantity: 1.5'],
    [{ quantity: 0 }, {}, 'exchange/quantity: 0'],
    [{ kind: 'day' }, {}, 'exchange/limit'],
    [{ kind: 'day', limit: dollars(90.005) }, {}, 'exchange/tick-size: $90.01 is between'],
    [{}, { estimate: { quantity: 0, notional: 0 } }, 'exchange/liquidity: Nobody sells KELD now'],
    [{ side: 'sell', quantity: 201 }, {}, 'exchange/shares: Selling 201 needs more than the 200'],
    [{}, { freeCash: dollars(9_000) }, 'exchange/cash: The order costs $9,001.00, and $9,000.00'],
  ];
  for (const [terms, known, expected] of cases) {
    expect(refusal(order(terms), [], facts(known))).toContain(expected);
  }
});

test('a resting order is paid for at its limit', () => {
  const bid = order({ kind: 'day', limit: dollars(80) });
  const none = { quantity: 0, notional: 0 };
  expect(refusal(bid, [], facts({ estimate: none, freeCash: dollars(7_999) }))).toContain(
    'exchange/cash',
  );
  expect(refusal(bid, [], facts({ estimate: none, freeCash: dollars(8_001) }))).toBeNull();
});

test('each accepted rule refuses with its own id and the figures that broke it', () => {
  const cases: [TradingRule, Partial<OrderRequest>, Partial<CheckFacts>, string][] = [
    [
      { id: 'r1', kind: 'max_position', percentOfEquity: 20 },
      {},
      {},
      'r1: KELD would become 27.0%',
    ],
    [{ id: 'r2', kind: 'stop_loss', percent: 5 }, {}, { isStopped: true }, 'r2: KELD was stopped'],
    [
      { id: 'r3', kind: 'stop_loss', percent: 5 },
      {},
      { lossPercent: 6.2 },
      'r3: KELD is 6.2% below',
    ],
    [{ id: 'r4', kind: 'max_trades_per_day', trades: 4 }, {}, {}, 'r4: 4 trades are done'],
    [
      { id: 'r5', kind: 'allowed_symbols', symbols: ['TARN'] },
      {},
      {},
      'r5: KELD is not on the list',
    ],
    [
      { id: 'r6', kind: 'trading_hours', from: '12:00', to: '15:00' },
      {},
      {},
      'r6: it is 11:30 UTC',
    ],
    [
      { id: 'r7', kind: 'max_order_value', dollars: 5_000 },
      {},
      {},
      'r7: the order is worth $9,000.00',
    ],
    [
      { id: 'r8', kind: 'max_daily_loss', percent: 2 },
      {},
      { equity: dollars(97_500) },
      'r8: 2.50% is lost today',
    ],
  ];
  for (const [rule, terms, known, expected] of cases) {
    expect(tradingRuleSchema.parse(rule)).toEqual(rule);
    expect(refusal(order(terms), [rule], facts(known))).toContain(expected);
  }
});

test('the same rules let through what keeps them, and never hold back getting out', () => {
  const rules: TradingRule[] = [
    { id: 'r1', kind: 'max_position', percentOfEquity: 28 },
    { id: 'r2', kind: 'stop_loss', percent: 5 },
    { id: 'r3', kind: 'max_trades_per_day', trades: 5 },
    { id: 'r4', kind: 'allowed_symbols', symbols: ['KELD'] },
    { id: 'r5', kind: 'trading_hours', from: '09:30', to: '11:31' },
    { id: 'r6', kind: 'max_order_value', dollars: 9_000 },
    { id: 'r7', kind: 'max_daily_loss', percent: 2 },
  ];
  expect(refusal(order(), rules, facts())).toBeNull();
  const bad = facts({ lossPercent: 30, isStopped: true, equity: dollars(50_000) });
  expect(refusal(order({ side: 'sell' }), rules, bad)).toBeNull();
});

test('hours over midnight are understood', () => {
  const rule: TradingRule = { id: 'n', kind: 'trading_hours', from: '22:00', to: '02:00' };
  expect(refusal(order(), [rule], facts({ time: '2026-01-05T23:10:00.000Z' }))).toBeNull();
  expect(refusal(order(), [rule], facts({ time: '2026-01-05T03:10:00.000Z' }))).toContain('n:');
});

test('rules that make no sense are not valid rules', () => {
  const wrong = [
    { id: 'a', kind: 'max_position', percentOfEquity: 0 },
    { id: 'a', kind: 'trading_hours', from: '9:00', to: '25:00' },
    { id: '', kind: 'max_trades_per_day', trades: 1 },
    { id: 'a', kind: 'unheard_of' },
  ];
  for (const rule of wrong) expect(tradingRuleSchema.safeParse(rule).success).toBe(false);
});
