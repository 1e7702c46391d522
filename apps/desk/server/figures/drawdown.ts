// The deepest fall of the equity from a peak. Pure.
import type { EquityAt } from '../run-record/run-record.ts';

export interface Drawdown {
  /** (peak - trough) / peak, a ratio above 0. */
  readonly ratio: number;
  readonly peak: EquityAt;
  readonly trough: EquityAt;
  /** When the equity was back at the peak; null while it is not. */
  readonly recoveredAt: string | null;
}

/**
 * Maximum drawdown: the largest of (highest equity so far - equity) / highest so far (Magdon-Ismail & Atiya, "Maximum
 * Drawdown", *Risk* 2004). Of equal ones the first. Null for a curve that never falls.
 */
export function maximumDrawdown(points: readonly EquityAt[]): Drawdown | null {
  let [peak] = points;
  let worst: Omit<Drawdown, 'recoveredAt'> | null = null;
  for (const point of points) {
    if (peak === undefined || point.equity >= peak.equity) peak = point;
    const ratio = peak.equity > 0 ? 1 - point.equity / peak.equity : 0;
    if (ratio > (worst?.ratio ?? 0)) worst = { ratio, peak, trough: point };
  }
  if (worst === null) return null;
  const { peak: top, trough } = worst;
  const back = points.find(({ at, equity }) => at > trough.at && equity >= top.equity);
  return { ...worst, recoveredAt: back?.at ?? null };
}

/** How far below its highest the last point is: 0 at a high. */
export function currentDrawdown(points: readonly EquityAt[]): number {
  const highest = points.reduce((top, { equity }) => Math.max(top, equity), 0);
  const last = points.at(-1)?.equity ?? 0;
  return highest > 0 ? 1 - last / highest : 0;
}
