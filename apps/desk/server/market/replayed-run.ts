// A strategy played over imported prices at once: a market of its own with one agent in it. The work is done step by step,
// so that whoever drives it can let others have their turn (in-slices.ts). Pure but for that.

import type { EquityRow, TradingRecord } from '../floor/market-store.ts';
import { createMarket } from './market.ts';
import type { Money } from './money.ts';
import type { Fill, RefusedOrder } from './order.ts';
import type { PriceBar } from './price-csv.ts';
import { prepareReplay } from './replay.ts';
import type { AgentStanding, DecisionRecord } from './report.ts';
import type { TradingRule } from './rule.ts';
import type { StrategyFactory } from './strategy.ts';

export interface ReplayOptions {
  readonly bars: readonly PriceBar[];
  readonly strategies: Readonly<Record<string, StrategyFactory>>;
  readonly strategy: string;
  readonly cash: Money;
  readonly rules: readonly TradingRule[];
  /** Of the market's makers and public: the same seed and prices, the same run. */
  readonly seed: string;
}

export interface ReplayedRun {
  readonly standing: AgentStanding;
  readonly record: TradingRecord;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly ticks: number;
}

/** A curve has at most so many points. */
const MOST_POINTS = 2_000;
const AGENT = 'replay';

/** @throws MillraceError `request/invalid` at its first step for prices that never overlap */
export function* replayRun(options: ReplayOptions): Generator<void, ReplayedRun> {
  const { bars, strategies, strategy, cash, rules, seed } = options;
  const prices = yield* prepareReplay(bars);
  const agents = [{ id: AGENT, strategy, cash, rules }];
  const market = createMarket({ seed, strategies, prices, agents });
  const decisions: DecisionRecord[] = [];
  const fills: Fill[] = [];
  const refused: RefusedOrder[] = [];
  const equity: EquityRow[] = [];
  // Four ticks a bar at most (replay.ts), however many symbols share its time.
  const times = new Set(bars.map(({ timeMs }) => timeMs)).size;
  const every = Math.ceil((times * 4) / MOST_POINTS);
  let startedAt = '';
  while (!market.clock().isOver) {
    const report = market.tick();
    const { tick, time } = report;
    startedAt ||= time;
    decisions.push(...report.decisions);
    fills.push(...report.fills);
    refused.push(...report.refused);
    const [point] = report.equity;
    if (point !== undefined && (tick % every === 0 || report.isLast)) {
      equity.push({ agentId: AGENT, tick, time, equity: point.equity, cash: point.cash });
    }
    yield;
  }
  const { tick: ticks, time: endedAt } = market.clock();
  const standing = market.retireAgent(AGENT);
  return { standing, record: { decisions, fills, refused, equity }, startedAt, endedAt, ticks };
}
