// What a market hands over, as rows of runs: the live one's, and those of replays and imports. Pure: the ids of runs
// come from outside.

import { AGENTS } from '../agents/agents.ts';
import type { EquityRow } from '../floor/market-store.ts';
import { toDecimal } from '../market/money.ts';
import type { Fill, RefusedOrder } from '../market/order.ts';
import type { RecordedReasoning } from '../market/reasoning.ts';
import type { AgentStanding, DecisionRecord } from '../market/report.ts';
import { FLOOR_USER_ID } from './as-user.ts';
import type { FullRow } from './insert-many.ts';

export const FLOOR_MARKET_ID = 'floor';

/** What stays of a run while its figures change. */
export interface TradedRun {
  readonly id: string;
  readonly userId: string;
  readonly modelId: string;
  readonly number: number;
  readonly source: 'market' | 'csv' | 'replay';
  /** ISO 8601 UTC, by the market's clock. */
  readonly startedAt: string;
}

/** How far a run has come. */
export interface RunProgress {
  readonly status: 'running' | 'ending' | 'completed';
  readonly tick: number;
  readonly time: string;
  readonly endedAt: string | null;
}

/** What of an agent is a run's figures; a run that is made of imported trades has these, and no agent. */
export type RunStanding = Pick<
  AgentStanding,
  'startingCash' | 'cash' | 'equity' | 'realised' | 'unrealised' | 'fees' | 'rules' | 'holdings'
> & { readonly tally: Pick<AgentStanding['tally'], 'orders' | 'fills' | 'closings' | 'wins'> };

export function toAccount(standing: AgentStanding, createdAt: string): FullRow<'accounts'> {
  const { agentId: id, startingCash, cash } = standing;
  return {
    ...{ id, user_id: FLOOR_USER_ID, name: nameOf(id), created_at: createdAt },
    starting_cash: toDecimal(startingCash),
    cash: toDecimal(cash),
  };
}

export function toModel(standing: AgentStanding, createdAt: string): FullRow<'models'> {
  const { agentId: id, strategy } = standing;
  const user_id = FLOOR_USER_ID;
  return { id, user_id, account_id: id, name: nameOf(id), strategy, created_at: createdAt };
}

export function toRun(
  standing: RunStanding,
  run: TradedRun,
  { status, tick, time, endedAt }: RunProgress,
): FullRow<'runs'> {
  const { tally } = standing;
  return {
    ...{ id: run.id, user_id: run.userId, model_id: run.modelId, number: run.number },
    market_id: run.source === 'market' ? FLOOR_MARKET_ID : null,
    status,
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
    source: run.source,
    ended_at: endedAt,
    rules: standing.rules,
  };
}

export function toPositions(
  { holdings }: Pick<RunStanding, 'holdings'>,
  run: TradedRun,
  time: string,
): FullRow<'positions'>[] {
  return holdings
    .filter(({ quantity }) => quantity !== 0)
    .map(({ symbol, quantity, cost, value }) => ({
      ...{ run_id: run.id, user_id: run.userId, symbol, quantity, updated_at: time },
      cost: toDecimal(cost),
      value: toDecimal(value),
    }));
}

/** Null for a decision that asked for nothing: it has no number and is no row. */
export function toDecision(
  decision: Omit<DecisionRecord, 'agentId' | 'reasoning'> & {
    readonly reasoning: RecordedReasoning;
  },
  { id: run_id, userId: user_id }: TradedRun,
): FullRow<'decisions'> | null {
  if (decision.id === null) return null;
  const { id: number, tick, time: decided_at, orders, cancels, reasoning } = decision;
  return { run_id, user_id, number, tick, decided_at, orders, cancels, reasoning };
}

export function toFill(
  fill: Omit<Fill, 'venue' | 'agentId'> & { readonly venue: string },
  { id: run_id, userId: user_id }: TradedRun,
): FullRow<'fills'> {
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

/** @param refused of one run, in their order: those of one decision are counted by it */
export function toRefusals(
  refused: readonly RefusedOrder[],
  { id: run_id, userId: user_id }: TradedRun,
): FullRow<'refusals'>[] {
  const seen = new Map<number, number>();
  return refused.map((one) => {
    const position = (seen.get(one.decisionId) ?? 0) + 1;
    seen.set(one.decisionId, position);
    const { symbol, venue, side, quantity } = one.request;
    return {
      ...{ run_id, user_id, position, tick: one.tick, symbol, venue, side, quantity },
      decision_number: one.decisionId,
      refused_at: one.time,
      rule_id: one.ruleId,
      reason: one.reason,
    };
  });
}

export function toEquityPoint(
  { tick, time, equity, cash }: Omit<EquityRow, 'agentId'>,
  { id: run_id, userId: user_id }: TradedRun,
): FullRow<'equity_points'> {
  return { run_id, user_id, tick, at: time, equity: toDecimal(equity), cash: toDecimal(cash) };
}

function nameOf(agentId: string): string {
  return AGENTS.find(({ id }) => id === agentId)?.name ?? agentId;
}
