// How an agent stands: holdings at cost and at the mark, equity, what its working orders lay claim to.
// Pure reading of the exchange and the marks; nothing here is kept.
import { type Account, averageCost } from './account.ts';
import type { AgentState } from './agent-state.ts';
import type { Exchange } from './exchange.ts';
import type { FeeSchedule } from './fees.ts';
import { feeOn } from './fees.ts';
import type { Money } from './money.ts';
import type { OrderRequest, WorkingOrder } from './order.ts';
import type { CheckFacts } from './order-check.ts';
import type { AgentStanding, EquityPoint } from './report.ts';
import type { Holding } from './strategy.ts';

export type MarkOf = (symbol: string) => Money;

export function holdingsOf(account: Account, markOf: MarkOf): Holding[] {
  return Object.entries(account.positions).map(([symbol, position]) => {
    const value = position.quantity * markOf(symbol);
    const { quantity, cost } = position;
    const unrealised = value - cost;
    return { symbol, quantity, cost, averageCost: averageCost(position), value, unrealised };
  });
}

export function equityOf(account: Account, markOf: MarkOf): EquityPoint {
  let value = 0;
  let cost = 0;
  for (const [symbol, position] of Object.entries(account.positions)) {
    value += position.quantity * markOf(symbol);
    cost += position.cost;
  }
  const { id: agentId, cash, realised, fees } = account;
  const equity = cash + value;
  return { agentId, equity, cash, realised, unrealised: value - cost, fees, dayProfit: 0 };
}

export function workingOf(exchange: Exchange, agentId: string): WorkingOrder[] {
  return [...exchange.working.values()].filter((order) => order.agentId === agentId);
}

/** Cash that working buys can still cost, fees included. */
export function claimedCash(working: readonly WorkingOrder[], fees: FeeSchedule): Money {
  let claimed = 0;
  for (const { request, remaining } of working) {
    if (request.side !== 'buy' || request.limit === null) continue;
    const notional = remaining * request.limit;
    claimed += notional + feeOn(notional, fees.makerBps);
  }
  return claimed;
}

/** The facts that the order check of one request needs. */
export function gatherFacts(
  request: OrderRequest,
  from: {
    readonly exchange: Exchange;
    readonly account: Account;
    readonly agent: AgentState;
    readonly fees: FeeSchedule;
    readonly markOf: MarkOf;
    readonly time: string;
  },
): CheckFacts {
  const { exchange, account, agent, fees, markOf } = from;
  const { symbol, side, quantity, limit } = request;
  const listing = exchange.listing(symbol, request.venue);
  const working = workingOf(exchange, agent.id);
  const remaining = (of: OrderRequest['side']): number =>
    working
      .filter(({ request: one }) => one.symbol === symbol && one.side === of)
      .reduce((sum, order) => sum + order.remaining, 0);
  const isCountable = Number.isSafeInteger(quantity) && quantity > 0;
  const estimate = (isCountable && listing?.book.estimate(side, quantity, limit)) || {
    quantity: 0,
    notional: 0,
  };
  const atMost = Math.max(estimate.notional, request.kind === 'day' ? quantity * (limit ?? 0) : 0);
  const position = account.positions[symbol];
  const mark = listing === undefined ? 0 : markOf(symbol);
  const value = (position?.quantity ?? 0) * mark;
  const lost = position === undefined ? 0 : ((position.cost - value) / position.cost) * 100;
  return {
    time: from.time,
    tickSize: listing?.instrument.tickSize,
    estimate,
    fee: feeOn(Number.isSafeInteger(atMost) ? atMost : 0, Math.max(fees.takerBps, fees.makerBps)),
    mark,
    freeCash: account.cash - claimedCash(working, fees),
    freeShares: (position?.quantity ?? 0) - remaining('sell'),
    held: position?.quantity ?? 0,
    buying: remaining('buy'),
    equity: equityOf(account, markOf).equity,
    equityAtOpen: agent.equityAtOpen,
    tradesToday: account.tradesToday,
    untradedWorking: working.filter((order) => order.remaining === order.request.quantity).length,
    isStopped: agent.stopped.includes(symbol),
    lossPercent: Math.max(0, lost),
  };
}

/** Everything about an agent that a page or a text needs, as a copy. */
export function standingOf(
  agent: AgentState,
  account: Account,
  exchange: Exchange,
  markOf: MarkOf,
): AgentStanding {
  const point = equityOf(account, markOf);
  return structuredClone({
    ...point,
    dayProfit: point.equity - agent.equityAtOpen,
    strategy: agent.strategy,
    isOpen: agent.isOpen,
    startingCash: account.startingCash,
    equityAtOpen: agent.equityAtOpen,
    holdings: holdingsOf(account, markOf),
    working: workingOf(exchange, agent.id),
    rules: agent.rules,
    stopped: agent.stopped,
    tally: agent.tally,
    recentFills: agent.recentFills,
    recentRefused: agent.recentRefused,
    lastDecision: agent.lastDecision,
    lastAction: agent.lastAction,
  });
}
