// How much the equity swings, and what was earned for it. Pure.
//
// Annualised by the square root of the returns that a year would have at the pace of the given ones
// (n / `Span.years`): 60 points in a session of a market with 261 sessions are √15,660.
import { type Figure, figure, meanOf, sumOf, unknown } from './figure.ts';
import type { Span } from './returns.ts';

const TOO_FEW = 'there are fewer than two returns';
const FLAT = 'the equity never moved';
const NO_TIME = 'no trading time has passed';

/** Swings below this are rounding, not risk. */
const LEAST_DEVIATION = 1e-12;

/** Sample standard deviation: √(Σ(r - mean)² / (n - 1)). */
export function deviation(returns: readonly number[]): Figure {
  if (returns.length < 2) return unknown(TOO_FEW);
  const mean = meanOf(returns);
  const squares = sumOf(returns.map((one) => (one - mean) ** 2));
  return figure(Math.sqrt(squares / (returns.length - 1)), TOO_FEW);
}

/** Standard deviation of returns × √(returns a year) (Hull, *Options, Futures, and Other Derivatives*, on historical volatility). */
export function volatility(returns: readonly number[], span: Span): Figure {
  const spread = deviation(returns);
  if (spread.value === null) return spread;
  return figure(spread.value * Math.sqrt(returns.length / span.years), NO_TIME);
}

/**
 * Mean return / standard deviation × √(returns a year), with a riskless rate of 0: idle cash in the market bears no
 * interest (Sharpe, "The Sharpe Ratio", *Journal of Portfolio Management* 1994).
 */
export function sharpe(returns: readonly number[], span: Span): Figure {
  const spread = deviation(returns);
  if (spread.value === null) return spread;
  if (spread.value < LEAST_DEVIATION) return unknown(FLAT);
  return figure((meanOf(returns) / spread.value) * Math.sqrt(returns.length / span.years), NO_TIME);
}

/**
 * Mean return / downside deviation × √(returns a year), target 0; the downside deviation is √(Σ min(r, 0)² / n) over all
 * returns (Sortino & Price, "Performance Measurement in a Downside Risk Framework", *Journal of Investing* 1994).
 */
export function sortino(returns: readonly number[], span: Span): Figure {
  if (returns.length < 2) return unknown(TOO_FEW);
  const downside = Math.sqrt(meanOf(returns.map((one) => Math.min(one, 0) ** 2)));
  if (downside < LEAST_DEVIATION) {
    return unknown(returns.every((one) => one === 0) ? FLAT : 'there was no losing period');
  }
  return figure((meanOf(returns) / downside) * Math.sqrt(returns.length / span.years), NO_TIME);
}
