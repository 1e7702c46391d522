// What is traded and where: instruments and the two venues.
// The tickers are invented: no figure of Desk speaks of a company that exists.
import { dollars, type Money } from './money.ts';

export interface Instrument {
  readonly symbol: string;
  readonly name: string;
  /** Smallest price step; every order price is a multiple of it. */
  readonly tickSize: Money;
}

/** An instrument as the simulator needs it. Volatilities are per day, as ratios. */
export interface SimulatedInstrument extends Instrument {
  readonly startPrice: Money;
  /** Share of the common factor that the instrument takes part in. */
  readonly beta: number;
  readonly ownVolatility: number;
  /** Shares that the public trades in an ordinary day. */
  readonly dailyShares: number;
}

/** Harbour is quick; Meridian follows it with a delay. Both clear in one house: shares are shares. */
export const VENUES = ['harbour', 'meridian'] as const;
export type Venue = (typeof VENUES)[number];

const simulated = (
  symbol: string,
  name: string,
  price: number,
  beta: number,
  ownVolatility: number,
  dailyShares: number,
): SimulatedInstrument => ({
  symbol,
  name,
  tickSize: dollars(0.01),
  startPrice: dollars(price),
  beta,
  ownVolatility,
  dailyShares,
});

export const SIMULATED_INSTRUMENTS: readonly SimulatedInstrument[] = [
  simulated('ORVX', 'Orvex Robotics', 184.2, 1.35, 0.016, 52_000),
  simulated('TARN', 'Tarn Water', 61.75, 0.55, 0.008, 118_000),
  simulated('KELD', 'Keld Shipping', 92.4, 1.05, 0.014, 86_000),
  simulated('MYRA', 'Myra Foods', 73.1, 0.6, 0.009, 104_000),
  simulated('FENN', 'Fenn & Lowe Rail', 128.6, 0.9, 0.01, 64_000),
  simulated('ZUNO', 'Zuno Games', 57.9, 1.2, 0.019, 142_000),
  simulated('PLIM', 'Plimsoll Mutual', 146.3, 0.85, 0.009, 58_000),
  simulated('QUIL', 'Quillon Semiconductors', 243.5, 1.45, 0.015, 46_000),
  simulated('BRIA', 'Bria Health', 109.8, 0.75, 0.013, 72_000),
  simulated('SOLM', 'Solmere Energy', 81.25, 1.1, 0.015, 96_000),
];
