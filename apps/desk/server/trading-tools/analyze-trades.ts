// `analyze_trades`: counts, rates, patterns and the trades themselves, of all or of those that a filter picks. Pure.

import { listed, plural } from '../agents/phrasing/words.ts';
import { actionOf, dayOf, groupsBy, hourOf, symbolOf } from '../figures/patterns.ts';
import {
  byProfit,
  longestStreak,
  streaksOf,
  tradeStatistics,
} from '../figures/trade-statistics.ts';
import { toDollars } from '../market/money.ts';
import type { Side } from '../market/order.ts';
import { closingOf } from '../run-record/reasoning-words.ts';
import type { Execution, RunRecord } from '../run-record/run-record.ts';
import { type FilterType, pick } from './criteria.ts';
import { pct, ratio, usd, usdSigned } from './figures-in-words.ts';
import {
  decisionsOf,
  groupLine,
  headOf,
  orderLines,
  positionLines,
  statisticsLine,
  streakLine,
  tradeLine,
} from './lines.ts';
import type { GroupLine, SideLine, TradeAnalysis } from './results.ts';

export interface Answer<Data> {
  /** For a reader, and for a model that reads no structures. */
  readonly text: string;
  readonly data: Data;
}

const MAX_LISTED = 5;
/** Where the trades themselves were asked for. */
const MAX_ASKED = 10;
const MAX_GROUPS = 30;
const MAX_POSITIONS = 30;

export function analyzeTrades(
  record: RunRecord,
  type: FilterType,
  criteria: string | null,
): Answer<TradeAnalysis> {
  const { words, trades, executions } = pick(record, type, criteria);
  const decisions = decisionsOf(record);
  const sorted = byProfit(trades);
  const streaks = streaksOf(trades);
  const isAsked = type === 'outcome' || (type === 'all' && words !== 'all trades');
  const most = isAsked ? MAX_ASKED : MAX_LISTED;
  const line = (trade: (typeof trades)[number]) => tradeLine(trade, decisions);
  const data: TradeAnalysis = {
    kind: 'trade_analysis',
    run: headOf(record),
    filter: { type, criteria, words },
    statistics: statisticsLine(tradeStatistics(trades)),
    patterns: {
      hours: groupsBy(trades, hourOf).map(groupLine),
      days: groupsBy(trades, dayOf).slice(-MAX_GROUPS).map(groupLine),
      symbols: weightiest(groupsBy(trades, symbolOf).map(groupLine)),
      actions: weightiest(groupsBy(trades, actionOf).map(groupLine)),
      endings: weightiest(
        groupsBy(trades, ({ closed, symbol }) =>
          closingOf(decisions.get(closed.decisionNumber)?.reasoning, symbol),
        ).map(groupLine),
      ),
    },
    streaks: {
      longestWin: streakLine(longestStreak(streaks, 'wins')),
      longestLoss: streakLine(longestStreak(streaks, 'losses')),
      current: streakLine(streaks.at(-1) ?? null),
    },
    best: sorted
      .filter(({ profit }) => profit > 0 || isAsked)
      .toReversed()
      .slice(0, most)
      .map(line),
    worst: sorted
      .filter(({ profit }) => profit < 0 || isAsked)
      .slice(0, most)
      .map(line),
    newest: trades.slice(-MAX_LISTED).toReversed().map(line),
    orders: orderLines(newestOrders(executions), decisions).slice(-MAX_LISTED).toReversed(),
    sides: { buy: sideLine(executions, 'buy'), sell: sideLine(executions, 'sell') },
    positions: positionLines(record).slice(0, MAX_POSITIONS),
    symbolsTraded: [...new Set(record.executions.map(({ symbol }) => symbol))]
      .toSorted()
      .slice(0, 100),
  };
  return { text: textOf(data), data };
}

/** Largest profit or loss first. */
function weightiest(groups: readonly GroupLine[]): GroupLine[] {
  return groups
    .toSorted((one, other) => Math.abs(other.profit) - Math.abs(one.profit))
    .slice(0, MAX_GROUPS);
}

/** Enough of the newest fills to hold whole orders. */
function newestOrders(executions: readonly Execution[]): readonly Execution[] {
  const ids = [...new Set(executions.toReversed().map(({ orderNumber }) => orderNumber))];
  const newest = new Set(ids.slice(0, MAX_LISTED));
  return executions.filter(({ orderNumber }) => newest.has(orderNumber));
}

function sideLine(executions: readonly Execution[], side: Side): SideLine {
  const fills = executions.filter((fill) => fill.side === side);
  const sum = (of: (fill: Execution) => number): number =>
    fills.reduce((total, fill) => total + of(fill), 0);
  return {
    orders: new Set(fills.map(({ orderNumber }) => orderNumber)).size,
    shares: sum(({ quantity }) => quantity),
    notional: toDollars(sum(({ notional }) => notional)),
    fees: toDollars(sum(({ fee }) => fee)),
    realised: toDollars(sum(({ realised }) => realised)),
  };
}

function textOf(data: TradeAnalysis): string {
  const { run, filter, statistics: seen, patterns, best, worst, symbolsTraded } = data;
  const head = `📊 Statistics: Total Trades: ${seen.trades}`;
  const scope = `${run.model}, run #${run.number}, ${filter.words}`;
  if (seen.trades === 0) {
    const traded = symbolsTraded.length > 0 ? ` It traded ${listed(symbolsTraded)}.` : '';
    return `${head} (${scope}). No trade is closed.${traded}${run.cut === null ? '' : ` ${run.cut}`}`;
  }
  const parts = [
    `${head} (${scope}), Wins: ${seen.wins}, Losses: ${seen.losses}, Win Rate: ${pct(seen.winRatePercent)}, ` +
      `Net Profit: ${usdSigned(seen.profit)} (${usdSigned(seen.gross)} before ${usd(seen.fees)} in fees), ` +
      `Average Win: ${amount(seen.averageWin)}, Average Loss: ${amount(seen.averageLoss)}, ` +
      `Profit Factor: ${ratio(seen.profitFactor)}, Expectancy: ${amount(seen.expectancy)} a trade.`,
    ...groupsText('By symbol', patterns.symbols.slice(0, 6)),
    ...groupsText('By hour of entry (UTC)', patterns.hours.slice(0, 8)),
    ...(patterns.actions.length > 1 ? groupsText('By action', patterns.actions.slice(0, 4)) : []),
    ...(patterns.endings.length > 1 ? groupsText('By how it ended', patterns.endings) : []),
    ...(best[0] === undefined ? [] : [`Best: ${best.slice(0, 3).map(cited).join('; ')}.`]),
    ...(worst[0] === undefined ? [] : [`Worst: ${worst.slice(0, 3).map(cited).join('; ')}.`]),
    ...(run.cut === null ? [] : [run.cut]),
  ];
  return parts.join('\n');
}

function groupsText(title: string, groups: readonly GroupLine[]): string[] {
  if (groups.length === 0) return [];
  const each = groups.map(
    ({ key, trades, profit, winRatePercent }) =>
      `${key} ${usdSigned(profit)} (${plural(trades, 'trade')}, ${pct(winRatePercent, 0)} won)`,
  );
  return [`${title}: ${each.join(', ')}.`];
}

function cited({ id, symbol, profit }: TradeAnalysis['best'][number]): string {
  return `${id} ${symbol} ${usdSigned(profit)}`;
}

function amount(value: number | null): string {
  return value === null ? 'n/a' : usdSigned(value);
}
