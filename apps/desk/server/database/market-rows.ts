// What the market hands over, as rows. Pure: the ids of runs come from outside.

import { AGENTS } from '../agents/agents.ts';
import type { EquityRow, MarketBatch } from '../floor/market-store.ts';
import { toDecimal } from '../market/money.ts';
import type { Fill } from '../market/order.ts';
import type { AgentStanding, DecisionRecord } from '../market/report.ts';
import { FLOOR_USER_ID } from './as-user.ts';
import type { FullRow } from './insert-many.ts';

export const FLOOR_MARKET_ID = 'floor';

/** A run of an agent on the Floor, as it began. */
export interface FloorRun {
  readonly id: string;
  readonly number: number;
  /** ISO 8601 UTC, by the market's clock. */
  readonly startedAt: string;
}

const user_id = FLOOR_USER_ID;

export function toAccount(standing: AgentStanding, createdAt: string): FullRow<'accounts'> {
  const { agentId: id, startingCash, cash } = standing;
  return {
    ...{ id, user_id, name: nameOf(id), created_at: createdAt },
    starting_cash: toDecimal(startingCash),
    cash: toDecimal(cash),
  };
}

export function toModel(standing: AgentStanding, createdAt: string): FullRow<'models'> {
  const { agentId: id, strategy } = standing;
  return { id, user_id, account_id: id, name: nameOf(id), strategy, created_at: createdAt };
}

export function toRun(
  standing: AgentStanding,
  run: FloorRun,
  { tick, time }: Pick<MarketBatch, 'tick' | 'time'>,
): FullRow<'runs'> {
  const { tally } = standing;
  return {
    ...{ id: run.id, user_id, model_id: standing.agentId, number: run.number },
    market_id: FLOOR_MARKET_ID,
    status: standing.isOpen ? 'running' : 'completed',
    starting_cash: toDecimal(standing.startingCash),
    cash: toDecimal(standing.cash),
    equity: toDecimal(standing.equity),
    realised: toDecimal(standing.realised),
    unrealised: toDecimal(standing.unrealised),
    fees: toDecimal(standing.fees),
    order_count: tally.orders,
    fill_count: tally.fills,
    closing_count: tally.closings,
    win_count: tally.wins,
    last_tick: tick,
    started_at: run.startedAt,
    updated_at: time,
  };
}

export function toPositions(
  { holdings }: AgentStanding,
  run: FloorRun,
  time: string,
): FullRow<'positions'>[] {
  return holdings
    .filter(({ quantity }) => quantity !== 0)
    .map(({ symbol, quantity, cost, value }) => ({
      ...{ run_id: run.id, user_id, symbol, quantity, updated_at: time },
      cost: toDecimal(cost),
      value: toDecimal(value),
    }));
}

export function toRules({ agentId, rules }: AgentStanding, time: string): FullRow<'rules'>[] {
  return rules.map((rule) => ({
    ...{ model_id: agentId, id: rule.id, user_id, kind: rule.kind, rule, accepted_at: time },
  }));
}

/** Null for a decision that asked for nothing: it has no number and is no row. */
export function toDecision(
  decision: DecisionRecord,
  { id: run_id }: FloorRun,
): FullRow<'decisions'> | null {
  if (decision.id === null) return null;
  const { id: number, tick, time: decided_at, orders, cancels, reasoning } = decision;
  return { run_id, user_id, number, tick, decided_at, orders, cancels, reasoning };
}

export function toFill(fill: Fill, { id: run_id }: FloorRun): FullRow<'fills'> {
  const { tick, symbol, venue, side, quantity, liquidity, counterparty, tag } = fill;
  return {
    ...{ run_id, user_id, number: fill.id, tick, symbol, venue, side, quantity },
    ...{ liquidity, counterparty, tag },
    decision_number: fill.decisionId,
    order_number: fill.orderId,
    filled_at: fill.time,
    price: toDecimal(fill.price),
    notional: toDecimal(fill.notional),
    fee: toDecimal(fill.fee),
    realised: toDecimal(fill.realised),
  };
}

export function toEquityPoint(
  { tick, time, equity, cash }: EquityRow,
  { id: run_id }: FloorRun,
): FullRow<'equity_points'> {
  return { run_id, user_id, tick, at: time, equity: toDecimal(equity), cash: toDecimal(cash) };
}

function nameOf(agentId: string): string {
  return AGENTS.find(({ id }) => id === agentId)?.name ?? agentId;
}
