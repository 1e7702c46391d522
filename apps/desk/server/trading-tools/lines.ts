// A record's parts as lines of results: dollars in place of money's units, percent in place of ratios. Pure.

import type { Figure } from '../figures/figure.ts';
import type { Group } from '../figures/patterns.ts';
import { actionName } from '../figures/patterns.ts';
import { totalReturn } from '../figures/returns.ts';
import type { Streak, TradeStatistics } from '../figures/trade-statistics.ts';
import { toDollars } from '../market/money.ts';
import { describeRule } from '../market/rule.ts';
import { whyOf } from '../run-record/reasoning-words.ts';
import type {
  ClosedTrade,
  DecisionFacts,
  Execution,
  OpenPosition,
  RunRecord,
} from '../run-record/run-record.ts';
import type {
  GroupLine,
  OrderLine,
  PositionLine,
  RunHead,
  Statistics,
  StreakLine,
  TradeLine,
} from './results.ts';

const MAX_RULES = 20;

/** A ratio as percent, to four decimals: what is behind them is noise of floats. */
export function toPercent(ratio: number): number {
  return rounded(ratio * 100, 4);
}

export function percentOf(figure: Figure): number | null {
  return figure.value === null ? null : toPercent(figure.value);
}

export function dollarsOf(figure: Figure): number | null {
  return figure.value === null ? null : toDollars(figure.value);
}

export function ratioOf(figure: Figure): number | null {
  return figure.value === null ? null : rounded(figure.value, 4);
}

function minutesOf(ms: number): number {
  return rounded(ms / 60_000, 1);
}

function rounded(value: number, digits: number): number {
  const factor = 10 ** digits;
  const whole = Math.round(value * factor) / factor;
  return whole === 0 ? 0 : whole;
}

export function idOf(number: number): string {
  return `#${number}`;
}

export function headOf(record: RunRecord): RunHead {
  const { run, rules } = record;
  return {
    ...{ id: run.id, modelId: run.modelId, model: run.modelName, strategy: run.strategy },
    ...{ number: run.number, status: run.status, from: run.startedAt, to: run.updatedAt },
    startingCash: toDollars(run.startingCash),
    cash: toDollars(run.cash),
    equity: toDollars(run.equity),
    profit: toDollars(run.equity - run.startingCash),
    realised: toDollars(run.realised),
    unrealised: toDollars(run.unrealised),
    fees: toDollars(run.fees),
    returnPercent: percentOf(totalReturn(run.startingCash, run.equity)),
    fills: run.fillCount,
    rules: rules.slice(0, MAX_RULES).map(describeRule),
    cut: cutWords(record),
  };
}

function cutWords({ cuts }: RunRecord): string | null {
  if (cuts.length === 0) return null;
  const each = cuts.map(
    ({ of, kept, total, since }) =>
      `the newest ${kept} of ${total} ${of} (since ${since.slice(0, 16).replace('T', ' ')} UTC)`,
  );
  return `Only ${each.join(' and ')} were read; the run's own totals are whole.`;
}

export function decisionsOf(record: RunRecord): ReadonlyMap<number, DecisionFacts> {
  return new Map(record.decisions.map((one) => [one.number, one]));
}

export function tradeLine(
  trade: ClosedTrade,
  decisions: ReadonlyMap<number, DecisionFacts>,
): TradeLine {
  const { symbol, direction, quantity, opened, closed, cost, profit, heldMs } = trade;
  const [into, out] =
    direction === 'long' ? (['buy', 'sell'] as const) : (['sell', 'buy'] as const);
  const why = (number: number | undefined, side: 'buy' | 'sell'): string | null =>
    number === undefined ? null : whyOf(decisions.get(number)?.reasoning, symbol, side);
  return {
    ...{ id: idOf(trade.number), symbol, direction, quantity },
    entryPrice: toDollars(trade.entryPrice),
    exitPrice: toDollars(trade.exitPrice),
    openedAt: opened?.at ?? null,
    closedAt: closed.at,
    heldMinutes: heldMs === null ? null : minutesOf(heldMs),
    profit: toDollars(profit),
    profitPercent: cost > 0 ? toPercent(profit / cost) : null,
    fees: toDollars(trade.fees),
    action: actionName(closed.tag),
    whyOpened: why(opened?.decisionNumber, into),
    whyClosed: why(closed.decisionNumber, out),
  };
}

export function statisticsLine(statistics: TradeStatistics): Statistics {
  const { count, wins, losses, flat, gross, fees, profit, averageHeldMs } = statistics;
  return {
    ...{ trades: count, wins, losses, flat },
    winRatePercent: percentOf(statistics.winRate),
    averageWin: dollarsOf(statistics.averageWin),
    averageLoss: dollarsOf(statistics.averageLoss),
    payoff: ratioOf(statistics.payoff),
    breakEvenWinRatePercent: percentOf(statistics.breakEvenWinRate),
    profitFactor: ratioOf(statistics.profitFactor),
    expectancy: dollarsOf(statistics.expectancy),
    gross: toDollars(gross),
    fees: toDollars(fees),
    profit: toDollars(profit),
    averageHeldMinutes: averageHeldMs.value === null ? null : minutesOf(averageHeldMs.value),
  };
}

export function groupLine({ key, statistics }: Group): GroupLine {
  const { count: trades, wins, winRate, profit } = statistics;
  return { key, trades, wins, winRatePercent: percentOf(winRate), profit: toDollars(profit) };
}

export function streakLine(streak: Streak | null): StreakLine | null {
  const [first, last] = [streak?.trades[0], streak?.trades.at(-1)];
  if (streak === null || first === undefined || last === undefined) return null;
  return {
    kind: streak.kind,
    length: streak.trades.length,
    profit: toDollars(streak.trades.reduce((sum, { profit }) => sum + profit, 0)),
    ...{ from: idOf(first.number), to: idOf(last.number) },
    ...{ fromAt: first.closed.at, toAt: last.closed.at },
  };
}

export function positionLines({ positions, run }: RunRecord): PositionLine[] {
  return positions
    .toSorted((one, other) => Math.abs(other.value) - Math.abs(one.value))
    .map(({ symbol, quantity, cost, value }: OpenPosition) => ({
      ...{ symbol, quantity, cost: toDollars(cost), value: toDollars(value) },
      unrealised: toDollars(value - cost),
      sharePercent: run.equity > 0 ? toPercent(value / run.equity) : null,
    }));
}

/** Fills of one order are one line. */
export function orderLines(
  executions: readonly Execution[],
  decisions: ReadonlyMap<number, DecisionFacts>,
): OrderLine[] {
  return [...Map.groupBy(executions, ({ orderNumber }) => orderNumber).values()].flatMap(
    (fills): OrderLine[] => {
      const [first] = fills;
      if (first === undefined) return [];
      const sum = (of: (fill: Execution) => number): number =>
        fills.reduce((total, fill) => total + of(fill), 0);
      const quantity = sum((fill) => fill.quantity);
      const realised = sum((fill) => fill.realised);
      const { number, at, side, symbol, tag, decisionNumber } = first;
      return [
        {
          ...{ id: idOf(number), at, side, symbol, quantity, action: actionName(tag) },
          price: toDollars(Math.round(sum((fill) => fill.notional) / quantity)),
          fee: toDollars(sum((fill) => fill.fee)),
          realised: realised === 0 ? null : toDollars(realised),
          why: whyOf(decisions.get(decisionNumber)?.reasoning, symbol, side),
        },
      ];
    },
  );
}
