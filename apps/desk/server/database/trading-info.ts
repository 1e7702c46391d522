// Rows of models and runs as the endpoints give them. Pure. Refuses to own: which rows (models.ts, runs.ts).

import type { Selectable } from 'kysely';
import * as z from 'zod';
import type { RunDecision, RunPosition } from '../../shared/run-figures.ts';
import type { ModelInfo, RuleInfo, RunFill, RunInfo, RunRefusal } from '../../shared/trading.ts';
import { STRATEGY_KINDS, type StrategyKind } from '../agents/strategies/registry.ts';
import { describeRule, type TradingRule, tradingRuleSchema } from '../market/rule.ts';
import { FLOOR_USER_ID } from './as-user.ts';
import type { DecisionRow, FillRow, ModelRow, PositionRow, RefusalRow, RunRow } from './tables.ts';

export interface ModelParts {
  readonly model: Selectable<ModelRow>;
  readonly startingCash: string | null;
  readonly runCount: number;
  readonly latestRun: Selectable<RunRow> | null;
}

export function toModelInfo({ model, startingCash, runCount, latestRun }: ModelParts): ModelInfo {
  return {
    id: model.id,
    name: model.name,
    strategy: strategyOf(model),
    owner: model.user_id === FLOOR_USER_ID ? 'floor' : 'you',
    startingCash: Number(startingCash ?? latestRun?.starting_cash ?? 0),
    createdAt: model.created_at.toISOString(),
    runCount,
    latestRun: latestRun === null ? null : toRunInfo(latestRun),
  };
}

export function strategyOf({ id, strategy }: Pick<ModelRow, 'id' | 'strategy'>): StrategyKind {
  const kind = STRATEGY_KINDS.find((one) => one === strategy);
  if (kind === undefined) throw new Error(`model ${id} has the unknown strategy ${strategy}`);
  return kind;
}

export function toRunInfo(run: Selectable<RunRow>): RunInfo {
  const [startingCash, equity] = [Number(run.starting_cash), Number(run.equity)];
  // Of two decimals with four places the difference has four as well.
  const profit = Number((equity - startingCash).toFixed(4));
  return {
    ...{ id: run.id, modelId: run.model_id, number: run.number },
    ...{ status: run.status, source: run.source, startingCash, equity, profit },
    cash: Number(run.cash),
    return: startingCash === 0 ? 0 : Number((profit / startingCash).toFixed(6)),
    realised: Number(run.realised),
    unrealised: Number(run.unrealised),
    fees: Number(run.fees),
    orders: run.order_count,
    fills: run.fill_count,
    closings: run.closing_count,
    wins: run.win_count,
    lastTick: run.last_tick,
    startedAt: run.started_at.toISOString(),
    updatedAt: run.updated_at.toISOString(),
    endedAt: run.ended_at?.toISOString() ?? null,
  };
}

export function toPosition(row: Selectable<PositionRow>): RunPosition {
  const [quantity, cost, value] = [Number(row.quantity), Number(row.cost), Number(row.value)];
  return {
    ...{ symbol: row.symbol, quantity, value },
    averageCost: Number((cost / quantity).toFixed(4)),
    profit: Number((value - cost).toFixed(4)),
  };
}

const reasoning = z.looseObject({ kind: z.string() }).catch({ kind: 'unknown' });

export function toDecisionInfo(row: Selectable<DecisionRow>): RunDecision {
  const { number, tick, orders, cancels } = row;
  const time = row.decided_at.toISOString();
  return { number, tick, time, orders, cancels, reasoning: reasoning.parse(row.reasoning) };
}

export function toFillInfo(row: Selectable<FillRow>): RunFill {
  const { number, tick, symbol, venue, side } = row;
  return {
    ...{ number, tick, symbol, venue, side },
    decisionNumber: row.decision_number,
    time: row.filled_at.toISOString(),
    quantity: Number(row.quantity),
    price: Number(row.price),
    fee: Number(row.fee),
    realised: Number(row.realised),
  };
}

export function toRefusalInfo(row: Selectable<RefusalRow>): RunRefusal {
  const { tick, symbol, side, reason } = row;
  return {
    ...{ tick, symbol, side, reason },
    decisionNumber: row.decision_number,
    time: row.refused_at.toISOString(),
    quantity: Number(row.quantity),
    ruleId: row.rule_id,
  };
}

/** One that another version wrote and this one does not know is left out: nothing enforces it here. */
export function readRules(value: unknown): TradingRule[] {
  const all = z.array(z.unknown()).catch([]).parse(value);
  return all.flatMap((one) => {
    const rule = tradingRuleSchema.safeParse(one);
    return rule.success ? [rule.data] : [];
  });
}

export function toRuleInfo(rule: TradingRule): RuleInfo {
  return { id: rule.id, rule, text: describeRule(rule) };
}
