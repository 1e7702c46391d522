// How much of the equity was at work, by the equity points. Pure.
import type { EquityAt } from '../run-record/run-record.ts';
import { type Figure, meanOf, unknown } from './figure.ts';

export interface Exposure {
  /** Mean, highest and last share of equity in positions: |equity - cash| / equity. */
  readonly average: Figure;
  readonly highest: Figure;
  readonly now: Figure;
  /** Share of the points with anything in positions ("time in the market"). */
  readonly timeInMarket: Figure;
}

export function exposureOf(points: readonly EquityAt[]): Exposure {
  const shares = points
    .filter(({ equity }) => equity > 0)
    .map(({ equity, cash }) => Math.abs(equity - cash) / equity);
  const last = shares.at(-1);
  if (last === undefined) {
    const none = unknown('there are no equity points');
    return { average: none, highest: none, now: none, timeInMarket: none };
  }
  return {
    average: { value: meanOf(shares) },
    highest: { value: shares.reduce((top, share) => Math.max(top, share), 0) },
    now: { value: last },
    timeInMarket: { value: shares.filter((share) => share > 0).length / shares.length },
  };
}
