// What closed trades tell, all after fees. Pure. A trade with a profit of exactly nothing is neither won nor lost.
import { type Money, scale } from '../market/money.ts';
import type { ClosedTrade } from '../run-record/run-record.ts';
import { type Figure, figure, unknown } from './figure.ts';

export interface TradeStatistics {
  readonly count: number;
  readonly wins: number;
  readonly losses: number;
  readonly flat: number;
  /** wins / count, a ratio. */
  readonly winRate: Figure;
  /** Mean profit of the won, mean loss of the lost (below 0), in units of money. */
  readonly averageWin: Figure;
  readonly averageLoss: Figure;
  /** Average win / average loss, as a positive number. */
  readonly payoff: Figure;
  /**
   * Win rate at which the average win and loss would come out even: 1 / (1 + payoff), from
   * p × win = (1 - p) × loss.
   */
  readonly breakEvenWinRate: Figure;
  /** Sum of wins / sum of losses, as trading platforms report it. */
  readonly profitFactor: Figure;
  /** Mean profit of a trade, in units of money: win rate × average win + loss rate × average loss (Tharp, in money in place of R). */
  readonly expectancy: Figure;
  /** Before fees, the fees, and what is left. */
  readonly gross: Money;
  readonly fees: Money;
  readonly profit: Money;
  readonly averageHeldMs: Figure;
}

const NO_TRADES = 'no trade is closed yet';
const NO_WINS = 'no trade was won';
const NO_LOSSES = 'no trade was lost';

export function tradeStatistics(trades: readonly ClosedTrade[]): TradeStatistics {
  const profits = trades.map(({ profit }) => profit);
  const won = profits.filter((profit) => profit > 0);
  const lost = profits.filter((profit) => profit < 0);
  const [earned, given] = [sum(won), -sum(lost)];
  const count = trades.length;
  const mean = (total: Money, of: number, why: string): Figure =>
    of > 0 ? { value: scale(total, 1, of) } : unknown(why);
  const none = count === 0 ? NO_TRADES : undefined;
  const payoff = figure(
    earned / won.length / (given / lost.length),
    none ?? (won.length === 0 ? NO_WINS : NO_LOSSES),
  );
  const held = trades.flatMap(({ heldMs }) => (heldMs === null ? [] : [heldMs]));
  return {
    ...{ count, wins: won.length, losses: lost.length, flat: count - won.length - lost.length },
    winRate: figure(won.length / count, NO_TRADES),
    averageWin: mean(earned, won.length, none ?? NO_WINS),
    averageLoss: mean(-given, lost.length, none ?? NO_LOSSES),
    payoff,
    breakEvenWinRate: payoff.value === null ? payoff : { value: 1 / (1 + payoff.value) },
    profitFactor: figure(earned / given, none ?? NO_LOSSES),
    expectancy: mean(sum(profits), count, NO_TRADES),
    gross: sum(trades.map(({ gross }) => gross)),
    fees: sum(trades.map(({ fees }) => fees)),
    profit: sum(profits),
    averageHeldMs: figure(sum(held) / held.length, NO_TRADES),
  };
}

/** Worst first; of equal ones the earlier. */
export function byProfit(trades: readonly ClosedTrade[]): ClosedTrade[] {
  return trades.toSorted((one, other) => one.profit - other.profit || one.number - other.number);
}

export interface Streak {
  readonly kind: 'wins' | 'losses';
  /** In the order in which they were closed; at least one. */
  readonly trades: readonly ClosedTrade[];
}

/** Runs of trades won or lost without one of the other kind between them. A flat trade ends neither and counts in none. */
export function streaksOf(trades: readonly ClosedTrade[]): Streak[] {
  const streaks: { kind: Streak['kind']; trades: ClosedTrade[] }[] = [];
  for (const trade of trades) {
    if (trade.profit === 0) continue;
    const kind = trade.profit > 0 ? 'wins' : 'losses';
    const last = streaks.at(-1);
    if (last?.kind === kind) last.trades.push(trade);
    else streaks.push({ kind, trades: [trade] });
  }
  return streaks;
}

/** Of equally long ones the first; null where there is none. */
export function longestStreak(streaks: readonly Streak[], kind: Streak['kind']): Streak | null {
  return streaks.reduce<Streak | null>(
    (best, one) =>
      one.kind === kind && one.trades.length > (best?.trades.length ?? 0) ? one : best,
    null,
  );
}

function sum(amounts: readonly Money[]): Money {
  return amounts.reduce((total, amount) => total + amount, 0);
}
