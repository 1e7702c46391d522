// Returns of a run, as ratios: 0.05 is five percent. Pure.
import { isInSession, sessionsBetween } from '../market/calendar.ts';
import type { Money } from '../market/money.ts';
import type { EquityAt } from '../run-record/run-record.ts';
import { type Figure, figure, unknown } from './figure.ts';

/**
 * Simple return over a whole run: end / start - 1 (Bacon, *Practical Portfolio Performance Measurement and Attribution*). There are
 * no deposits nor withdrawals in a run, so it is the time-weighted one too.
 */
export function totalReturn(start: Money, end: Money): Figure {
  return start > 0
    ? figure(end / start - 1, 'the start is unknown')
    : unknown('it began with nothing');
}

/** Return from each equity point to the next. A point from which none can be reckoned (equity of 0 or less) is left out. */
export function periodReturns(points: readonly EquityAt[]): number[] {
  return points.slice(1).flatMap((point, n) => {
    const before = points[n]?.equity ?? 0;
    return before > 0 ? [point.equity / before - 1] : [];
  });
}

export interface DayReturn {
  /** `YYYY-MM-DD`, UTC. */
  readonly date: string;
  readonly ratio: number;
  readonly profit: Money;
}

/** From the last point of the day before (on the first day: from its first point) to the last one of the day. */
export function dayReturns(points: readonly EquityAt[]): DayReturn[] {
  const closes = new Map<string, Money>();
  for (const { at, equity } of points) closes.set(at.slice(0, 10), equity);
  let before = points[0]?.equity ?? 0;
  return [...closes].flatMap(([date, equity]) => {
    const from = before;
    before = equity;
    return from > 0 ? [{ date, ratio: equity / from - 1, profit: equity - from }] : [];
  });
}

export interface Span {
  readonly years: number;
  /** The market's own calendar, or the plain one for points outside its sessions (imported runs). */
  readonly basis: 'sessions' | 'days';
  /** Sessions or days. */
  readonly length: number;
}

/**
 * The market is open on every weekday and knows no holidays (market/calendar.ts): 365.25 × 5 / 7 = 260.9 sessions a
 * year. An exchange with holidays has some 252.
 */
export const SESSIONS_PER_YEAR = 261;
const DAYS_PER_YEAR = 365.25;
const DAY_MS = 86_400_000;

/** How much of a year lies between the first point and the last: what figures are annualised by. */
export function spanOf(points: readonly EquityAt[]): Span {
  const [first, last] = [points[0]?.at, points.at(-1)?.at];
  if (first === undefined || last === undefined) return { years: 0, basis: 'days', length: 0 };
  if (points.every(({ at }) => isInSession(at))) {
    const length = sessionsBetween(first, last);
    return { years: length / SESSIONS_PER_YEAR, basis: 'sessions', length };
  }
  const length = (Date.parse(last) - Date.parse(first)) / DAY_MS;
  return { years: length / DAYS_PER_YEAR, basis: 'days', length };
}
