// The equity curve of all agents as a bounded series: the whole history, ever thinner.
//
//   every tick is kept until MAX_POINTS stand there; then every second one goes, and from then on
//   every second tick is kept; and so on. So the series has MAX_POINTS/2 … MAX_POINTS points,
//   evenly spaced, and always begins at the beginning. The newest tick is in `latest`.
//
// Pure: this is the `reduce` of a channel, the same on the server and in the browser (CHAN-7).

import type { EquityUpdate } from './market-events.ts';

export const MAX_POINTS = 240;

export interface EquityPoint {
  readonly tick: number;
  readonly time: string;
  /** Dollars, in the order of `agentIds`. */
  readonly equity: readonly number[];
}

export interface EquitySeries {
  /** Columns of the points; fixed by the first update. */
  readonly agentIds: readonly string[];
  /** Distance between points, in ticks: a power of two. */
  readonly everyTicks: number;
  readonly points: readonly EquityPoint[];
  readonly latest: EquityUpdate | null;
}

export const EMPTY_SERIES: EquitySeries = {
  agentIds: [],
  everyTicks: 1,
  points: [],
  latest: null,
};

export function addEquity(series: EquitySeries, update: EquityUpdate): EquitySeries {
  const ids = update.accounts.map((account) => account.agentId);
  const isSame = ids.every((id) => series.agentIds.includes(id));
  const isLater = series.latest === null || update.tick > series.latest.tick;
  // Another line-up, or a market that began anew, is another chart: columns and ticks must keep their meaning.
  const base = isSame && isLater ? series : { ...EMPTY_SERIES, agentIds: ids };
  if (update.tick % base.everyTicks !== 0) return { ...base, latest: update };
  const equityOf = new Map(update.accounts.map((account) => [account.agentId, account.equity]));
  const point: EquityPoint = {
    tick: update.tick,
    time: update.time,
    equity: base.agentIds.map((id) => equityOf.get(id) ?? 0),
  };
  return thin({ ...base, points: [...base.points, point], latest: update });
}

function thin(series: EquitySeries): EquitySeries {
  if (series.points.length <= MAX_POINTS) return series;
  const everyTicks = series.everyTicks * 2;
  return { ...series, everyTicks, points: series.points.filter((p) => p.tick % everyTicks === 0) };
}
