// Market regimes: a Markov chain over four moods that scale volatility and give returns a drift.
// Owns: the table and one pure transition. Trends are what momentum can find; turbulence is what
// hurts it. Stays are lengths in days, so that a day keeps its character at any tick length.
import type { Random } from './prng.ts';

export const REGIMES = ['calm', 'trend-up', 'trend-down', 'turbulent'] as const;
export type Regime = (typeof REGIMES)[number];

export interface RegimeTraits {
  /** Multiplies the volatility. */
  readonly volatility: number;
  /** Drift in daily volatilities per day. */
  readonly drift: number;
  /** Mean length of a stay, in days. */
  readonly stayDays: number;
  /** Where to next, cumulative over the other regimes in the order of `REGIMES`. */
  readonly next: readonly (readonly [Regime, number])[];
}

export const REGIME_TRAITS: Readonly<Record<Regime, RegimeTraits>> = {
  calm: {
    volatility: 0.75,
    drift: 0,
    stayDays: 0.3,
    next: [
      ['trend-up', 0.48],
      ['trend-down', 0.86],
      ['turbulent', 1],
    ],
  },
  'trend-up': {
    volatility: 0.85,
    drift: 2.6,
    stayDays: 0.24,
    next: [
      ['calm', 0.6],
      ['trend-down', 0.82],
      ['turbulent', 1],
    ],
  },
  'trend-down': {
    volatility: 0.95,
    drift: -2.6,
    stayDays: 0.22,
    next: [
      ['calm', 0.5],
      ['trend-up', 0.75],
      ['turbulent', 1],
    ],
  },
  turbulent: {
    volatility: 1.7,
    drift: -0.2,
    stayDays: 0.1,
    next: [
      ['calm', 0.5],
      ['trend-up', 0.76],
      ['trend-down', 1],
    ],
  },
};

/** The regime of the next tick. Draws once, and once more on a change. */
export function nextRegime(now: Regime, random: Random, ticksPerDay: number): Regime {
  const traits = REGIME_TRAITS[now];
  if (random.uniform() >= 1 / (traits.stayDays * ticksPerDay)) return now;
  const draw = random.uniform();
  return traits.next.find(([, upTo]) => draw < upTo)?.[0] ?? 'calm';
}
