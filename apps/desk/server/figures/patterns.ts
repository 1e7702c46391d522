// Closed trades in groups: by hour, day, symbol and action. Pure.
import type { ClosedTrade } from '../run-record/run-record.ts';
import { type TradeStatistics, tradeStatistics } from './trade-statistics.ts';

export interface Group {
  readonly key: string;
  readonly trades: readonly ClosedTrade[];
  readonly statistics: TradeStatistics;
}

/** In the order of their keys; trades without a key are in none. */
export function groupsBy(
  trades: readonly ClosedTrade[],
  keyOf: (trade: ClosedTrade) => string | null,
): Group[] {
  const groups = Map.groupBy(
    trades.filter((trade) => keyOf(trade) !== null),
    (trade) => keyOf(trade) ?? '',
  );
  return [...groups]
    .map(([key, members]) => ({ key, trades: members, statistics: tradeStatistics(members) }))
    .toSorted((one, other) => (one.key < other.key ? -1 : 1));
}

/** `09`: the hour of the market's time (UTC) in which it was opened. */
export const hourOf = ({ opened }: ClosedTrade): string | null =>
  opened === null ? null : opened.at.slice(11, 13);

/** The day on which it was closed, which is when its profit was made. */
export const dayOf = ({ closed }: ClosedTrade): string => closed.at.slice(0, 10);

export const symbolOf = ({ symbol }: ClosedTrade): string => symbol;

/** What the strategy called the order that closed it: `leave`, `stop`, `grid`. */
export const actionOf = ({ closed }: ClosedTrade): string => actionName(closed.tag);

/** Tags may carry a place after a colon (`grid:TARN:1`). */
export function actionName(tag: string): string {
  return tag.split(':')[0] || 'untagged';
}
