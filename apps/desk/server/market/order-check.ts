// The exchange's order check: first what holds for everybody, then the agent's accepted rules.
// Pure: the facts come in, the first rule that refuses comes out with its figures.
// Agents can't sell what they don't hold, nor buy what they can't pay, working orders included.
import { minuteOfDay } from './calendar.ts';
import { dollars, formatMoney, type Money } from './money.ts';
import type { OrderRequest } from './order.ts';
import { describeRule, type TradingRule } from './rule.ts';

export interface CheckFacts {
  readonly time: string;
  readonly tickSize: Money | undefined;
  /** What would trade now, and at which cost. */
  readonly estimate: { readonly quantity: number; readonly notional: Money };
  /** Highest fee that the order can cost. */
  readonly fee: Money;
  readonly mark: Money;
  /** Cash and shares that no working order lays claim to. */
  readonly freeCash: Money;
  readonly freeShares: number;
  /** Shares held, and those that working orders would still buy. */
  readonly held: number;
  readonly buying: number;
  readonly equity: Money;
  readonly equityAtOpen: Money;
  /** Orders that traded today, and working ones that haven't yet. */
  readonly tradesToday: number;
  readonly untradedWorking: number;
  /** Whether a stop loss sold this symbol today. */
  readonly isStopped: boolean;
  /** Loss of the held position against its cost, in percent; 0 when there is none. */
  readonly lossPercent: number;
}

export type CheckResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly ruleId: string; readonly reason: string };

const ACCEPTED: CheckResult = { kind: 'accepted' };
const refuse = (ruleId: string, reason: string): CheckResult => ({
  kind: 'refused',
  ruleId,
  reason,
});

export function checkOrder(
  order: OrderRequest,
  rules: readonly TradingRule[],
  facts: CheckFacts,
): CheckResult {
  const common = checkCommon(order, facts);
  if (common.kind === 'refused') return common;
  for (const rule of rules) {
    const reason = breaks(rule, order, facts);
    if (reason !== null) return refuse(rule.id, `${reason}; the rule: ${describeRule(rule)}.`);
  }
  return ACCEPTED;
}

function checkCommon(order: OrderRequest, facts: CheckFacts): CheckResult {
  const { symbol, quantity, limit, kind, side } = order;
  if (facts.tickSize === undefined) {
    return refuse('exchange/symbol', `There is no instrument ${symbol} on this exchange.`);
  }
  if (!Number.isSafeInteger(quantity) || quantity < 1) {
    return refuse('exchange/quantity', `${quantity} is not a number of whole shares.`);
  }
  if ((limit === null) !== (kind === 'market')) {
    return refuse('exchange/limit', 'A market order has no limit, and every other order has one.');
  }
  if (limit !== null && (!Number.isSafeInteger(limit) || limit < 1)) {
    return refuse('exchange/limit', 'A limit is a positive whole number of price units.');
  }
  if (limit !== null && limit % facts.tickSize !== 0) {
    const step = formatMoney(facts.tickSize);
    return refuse('exchange/tick-size', `${formatMoney(limit)} is between price steps of ${step}.`);
  }
  if (kind !== 'day' && facts.estimate.quantity === 0) {
    return refuse(
      'exchange/liquidity',
      `Nobody ${side === 'buy' ? 'sells' : 'buys'} ${symbol} now.`,
    );
  }
  if (side === 'sell' && quantity > facts.freeShares) {
    const free = `${Math.max(0, facts.freeShares)} shares of ${symbol}`;
    return refuse(
      'exchange/shares',
      `Selling ${quantity} needs more than the ${free} that are free.`,
    );
  }
  const cost = orderValue(order, facts) + facts.fee;
  if (side === 'buy' && cost > facts.freeCash) {
    const free = formatMoney(Math.max(0, facts.freeCash));
    return refuse('exchange/cash', `The order costs ${formatMoney(cost)}, and ${free} is free.`);
  }
  return ACCEPTED;
}

/** What the order can be worth at most: now for a taking order, at its limit for one that rests. */
function orderValue(order: OrderRequest, facts: CheckFacts): Money {
  if (order.kind !== 'day' || order.limit === null) return facts.estimate.notional;
  const resting = Math.max(0, order.quantity - facts.estimate.quantity);
  return facts.estimate.notional + resting * order.limit;
}

/** Null when the order keeps the rule, else what breaks it. Selling is never held back by a limit
 * on risk: a rule that keeps an agent in a losing position would defeat its own purpose. */
function breaks(rule: TradingRule, order: OrderRequest, facts: CheckFacts): string | null {
  const isBuy = order.side === 'buy';
  switch (rule.kind) {
    case 'max_position': {
      const value = (facts.held + facts.buying + order.quantity) * facts.mark;
      const share = (value / facts.equity) * 100;
      if (!isBuy || share <= rule.percentOfEquity) return null;
      return `${order.symbol} would become ${share.toFixed(1)}% of equity`;
    }
    case 'stop_loss': {
      if (!isBuy) return null;
      if (facts.isStopped) return `${order.symbol} was stopped out today`;
      if (facts.lossPercent < rule.percent) return null;
      return `${order.symbol} is ${facts.lossPercent.toFixed(1)}% below cost`;
    }
    case 'max_trades_per_day': {
      const count = facts.tradesToday + facts.untradedWorking;
      return count < rule.trades ? null : `${count} trades are done or under way today`;
    }
    case 'allowed_symbols':
      return !isBuy || rule.symbols.includes(order.symbol)
        ? null
        : `${order.symbol} is not on the list`;
    case 'trading_hours':
      return isWithin(facts.time, rule) ? null : `it is ${facts.time.slice(11, 16)} UTC`;
    case 'max_order_value': {
      const value = Math.max(orderValue(order, facts), 0);
      if (value <= dollars(rule.dollars)) return null;
      return `the order is worth ${formatMoney(value)}`;
    }
    case 'max_daily_loss': {
      const lost = ((facts.equityAtOpen - facts.equity) / facts.equityAtOpen) * 100;
      return !isBuy || lost < rule.percent ? null : `${lost.toFixed(2)}% is lost today`;
    }
  }
}

function isWithin(time: string, hours: { from: string; to: string }): boolean {
  const minute = (clock: string): number =>
    Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
  const now = minuteOfDay(time);
  const [from, to] = [minute(hours.from), minute(hours.to)];
  return from <= to ? now >= from && now < to : now >= from || now < to;
}
