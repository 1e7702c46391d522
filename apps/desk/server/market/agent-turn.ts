// One agent's turn in a tick: accepted stop losses first, then what its strategy decides.
// Owns the view a strategy gets and the path of a request through check, refusal and execution.
import type { Account } from './account.ts';
import { type AgentState, isBlocked, noteRefusal } from './agent-state.ts';
import type { Exchange } from './exchange.ts';
import type { FeeSchedule } from './fees.ts';
import type { Instrument } from './instrument.ts';
import { misuse } from './misuse.ts';
import type { OrderOutcome, OrderRequest, RefusedOrder } from './order.ts';
import { checkOrder } from './order-check.ts';
import type { SourceStep } from './price-source.ts';
import type { Reasoning } from './reasoning.ts';
import type { DecisionRecord } from './report.ts';
import { claimedCash, equityOf, gatherFacts, holdingsOf, workingOf } from './standing.ts';
import { findStopOuts } from './stop-loss.ts';
import type { AgentView, Strategy } from './strategy.ts';
import type { Ticker } from './ticker.ts';

export interface TurnContext {
  readonly exchange: Exchange;
  readonly ticker: Ticker;
  readonly fees: FeeSchedule;
  readonly instruments: readonly Instrument[];
  readonly ticksPerDay: number;
  readonly tick: number;
  readonly step: SourceStep;
  nextDecisionId(): number;
}

export interface TurnResult {
  readonly orders: OrderOutcome[];
  readonly refused: RefusedOrder[];
  readonly decisions: DecisionRecord[];
}

export function takeTurn(agent: AgentState, strategy: Strategy, context: TurnContext): TurnResult {
  const result: TurnResult = { orders: [], refused: [], decisions: [] };
  stopOut(agent, context, result);

  const decision = strategy.decide(viewOf(agent, context));
  const isAction = decision.orders.length + decision.cancels.length > 0;
  const record = recordOf(agent, context, { ...decision, isAction });
  agent.lastDecision = record;
  if (record.id === null) return result;
  agent.lastAction = record;
  result.decisions.push(record);
  for (const id of decision.cancels) {
    if (context.exchange.working.get(id)?.agentId === agent.id)
      context.exchange.cancel(id, 'agent');
  }
  for (const request of decision.orders) {
    place(agent, request, record.id, { ...context, rules: agent.rules }, result);
  }
  return result;
}

/** A rule's own sale: it frees the shares from working orders, and no other rule can hold it back. */
function stopOut(agent: AgentState, context: TurnContext, result: TurnResult): void {
  if (!agent.rules.some((rule) => rule.kind === 'stop_loss')) return;
  const { exchange, ticker } = context;
  const holdings = holdingsOf(accountOf(agent, exchange), ticker.markOf);
  for (const { order, reasoning } of findStopOuts(agent.rules, holdings, ticker.quotes())) {
    for (const working of workingOf(exchange, agent.id)) {
      if (working.request.symbol === order.symbol) exchange.cancel(working.id, 'agent');
    }
    const record = recordOf(agent, context, {
      orders: [order],
      cancels: [],
      reasoning,
      isAction: true,
    });
    if (!agent.stopped.includes(order.symbol)) agent.stopped.push(order.symbol);
    agent.lastAction = record;
    result.decisions.push(record);
    place(agent, order, record.id ?? 0, { ...context, rules: [] }, result);
  }
}

function place(
  agent: AgentState,
  request: OrderRequest,
  decisionId: number,
  context: TurnContext & { readonly rules: AgentState['rules'] },
  result: TurnResult,
): void {
  const { exchange, ticker, fees, step, tick } = context;
  const { time } = step;
  const account = accountOf(agent, exchange);
  const { markOf } = ticker;
  const facts = gatherFacts(request, { exchange, account, agent, fees, markOf, time });
  const checked = checkOrder(request, context.rules, facts);
  if (checked.kind === 'refused') {
    const { ruleId, reason } = checked;
    const refusal = { decisionId, agentId: agent.id, tick, time, request, ruleId, reason };
    noteRefusal(agent, refusal, context.ticksPerDay);
    result.refused.push(refusal);
    return;
  }
  agent.tally.orders += 1;
  result.orders.push(exchange.submit(agent.id, decisionId, request));
}

function viewOf(agent: AgentState, context: TurnContext): AgentView {
  const { exchange, ticker, fees, instruments, ticksPerDay, tick, step } = context;
  const account = accountOf(agent, exchange);
  const working = workingOf(exchange, agent.id);
  const { newFills: fills, newRefused: refused } = agent;
  agent.newFills = [];
  agent.newRefused = [];
  return {
    tick,
    day: step.day,
    tickOfDay: step.tickOfDay,
    ticksPerDay,
    isDayEnd: step.isDayEnd,
    time: step.time,
    instruments,
    quotes: ticker.quotes(),
    fees,
    equity: equityOf(account, ticker.markOf).equity,
    freeCash: account.cash - claimedCash(working, fees),
    holdings: new Map(holdingsOf(account, ticker.markOf).map((one) => [one.symbol, one])),
    working,
    fills,
    refused,
    isBlocked: (symbol, side) => isBlocked(agent, symbol, side, tick),
  };
}

function recordOf(
  agent: AgentState,
  context: TurnContext,
  decision: {
    readonly orders: readonly unknown[];
    readonly cancels: readonly unknown[];
    readonly reasoning: Reasoning;
    readonly isAction: boolean;
  },
): DecisionRecord {
  return {
    id: decision.isAction ? context.nextDecisionId() : null,
    agentId: agent.id,
    tick: context.tick,
    time: context.step.time,
    orders: decision.orders.length,
    cancels: decision.cancels.length,
    reasoning: decision.reasoning,
  };
}

function accountOf(agent: AgentState, exchange: Exchange): Account {
  const account = exchange.accounts.get(agent.id);
  if (account === undefined) throw misuse(`Agent ${agent.id} has no account.`);
  return account;
}
