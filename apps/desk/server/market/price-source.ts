// Seam: where fundamental prices come from. The simulator and the CSV replay are its two sides.
//
// Contract: `step` gives the next tick, for every instrument and in the order of `instruments`;
// prices are positive multiples of the instrument's tick size or finer, volumes whole shares.
// It is never called again after a step with `isLast`. `snapshot` is plain JSON, and a factory given
// that JSON goes on exactly there. A source reads no clock: time is simulated.
import type { Instrument } from './instrument.ts';
import type { Money } from './money.ts';

export interface SourcePrice {
  readonly price: Money;
  readonly volume: number;
}

export interface SourceStep {
  /** ISO 8601, UTC, in the market's own time. */
  readonly time: string;
  /** Trading day, from 0. */
  readonly day: number;
  readonly tickOfDay: number;
  readonly isDayEnd: boolean;
  /** No step follows. The simulator never ends. */
  readonly isLast: boolean;
  readonly prices: readonly SourcePrice[];
}

export interface PriceSource {
  readonly instruments: readonly Instrument[];
  /** Ticks in a usual day: what strategies scale their windows by. */
  readonly ticksPerDay: number;
  step(): SourceStep;
  snapshot(): unknown;
}

/** `saved` is what `snapshot()` gave, or undefined for a beginning; throws when it doesn't fit. */
export type PriceSourceFactory = (saved: unknown) => PriceSource;
