// The equity series as uPlot takes it: one column of times in seconds, one of dollars for each agent.

import type { EquitySeries } from '../../../shared/equity-series.ts';

export type Columns = [number[], ...number[][]];

/** The points, and the newest tick at the end even where the thinned series has no point for it. */
export function equityColumns(series: EquitySeries): Columns {
  const points = series.points.map((point) => ({ time: point.time, equity: point.equity }));
  const { latest } = series;
  if (latest !== null && latest.tick !== series.points.at(-1)?.tick) {
    const equityOf = new Map(latest.accounts.map((account) => [account.agentId, account.equity]));
    points.push({ time: latest.time, equity: series.agentIds.map((id) => equityOf.get(id) ?? 0) });
  }
  return [
    points.map((point) => Date.parse(point.time) / 1_000),
    ...series.agentIds.map((_, index) => points.map((point) => point.equity[index] ?? 0)),
  ];
}
