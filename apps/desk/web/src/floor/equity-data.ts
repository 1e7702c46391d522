// The equity series as uPlot takes it: one column of ticks, one of dollars for each agent. Ticks, not times: the
// market's nights would take up most of the width.

import type { EquitySeries } from '../../../shared/equity-series.ts';

export type Columns = [number[], ...number[][]];

export interface EquityColumns {
  readonly columns: Columns;
  /** The market's time of each row, ISO 8601. */
  readonly times: readonly string[];
}

/** The points, and the newest tick at the end even where the thinned series has no point for it. */
export function equityColumns(series: EquitySeries): EquityColumns {
  const points = [...series.points];
  const { latest } = series;
  if (latest !== null && latest.tick !== points.at(-1)?.tick) {
    const equityOf = new Map(latest.accounts.map((account) => [account.agentId, account.equity]));
    const equity = series.agentIds.map((id) => equityOf.get(id) ?? 0);
    points.push({ tick: latest.tick, time: latest.time, equity });
  }
  return {
    times: points.map(({ time }) => time),
    columns: [
      points.map(({ tick }) => tick),
      ...series.agentIds.map((_, index) => points.map((point) => point.equity[index] ?? 0)),
    ],
  };
}
