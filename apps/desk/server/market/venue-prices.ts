// Where each venue sees the price: the fundamental plus a deviation of the venue's own.
// A deviation decays, is pushed by noise, by the part of a move that the venue is late for, by rare
// dislocations, and by what agents took: buying lifts it, selling presses it. That is where
// arbitrage comes from, and also what closes it.
import { z } from 'zod';
import type { Venue } from './instrument.ts';
import { type Money, scale } from './money.ts';
import {
  createRandom,
  type Random,
  type RandomState,
  randomStateSchema,
  restoreRandom,
} from './prng.ts';

interface VenueTraits {
  /** Share of the deviation that is left a tick later. */
  readonly memory: number;
  /** Share of a move of the fundamental that arrives late. */
  readonly lateShare: number;
  readonly noiseBps: number;
  /** Chance per tick of a dislocation, and its least and largest size. */
  readonly dislocation: {
    readonly chance: number;
    readonly fromBps: number;
    readonly toBps: number;
  };
}

const TRAITS: Readonly<Record<Venue, VenueTraits>> = {
  harbour: {
    memory: 0.6,
    lateShare: 0.05,
    noiseBps: 0.5,
    dislocation: { chance: 0.0004, fromBps: 8, toBps: 22 },
  },
  meridian: {
    memory: 0.75,
    lateShare: 0.22,
    noiseBps: 0.8,
    dislocation: { chance: 0.0014, fromBps: 8, toBps: 30 },
  },
};

/** Basis points that a venue's price moves for each full quoted depth that agents take. */
const IMPACT_BPS = 14;
const WIDEST_BPS = 80;

/** One book's deviation: `fundamental` is the last one it saw. */
export type Deviation = { random: RandomState; bps: number; fundamental: Money };

export const deviationSchema: z.ZodType<Deviation> = z.object({
  random: randomStateSchema,
  bps: z.number(),
  fundamental: z.int().positive(),
});

export interface VenuePrice {
  /** The venue's price for this tick; `depthTaken` is agents' net taking in the last one, in depths. */
  next(fundamental: Money, depthTaken: number): Money;
  /** Its own stream of randomness goes on, so `snapshot` is all there is. */
  snapshot(): Deviation;
}

export function createVenuePrice(
  venue: Venue,
  start: { seed: string; symbol: string; fundamental: Money } | Deviation,
): VenuePrice {
  const traits = TRAITS[venue];
  const random: Random =
    'seed' in start
      ? createRandom(`${start.seed}/venue/${start.symbol}/${venue}`)
      : restoreRandom(start.random);
  let bps = 'seed' in start ? 0 : start.bps;
  let { fundamental: seen } = start;

  return {
    next(fundamental, depthTaken) {
      const moveBps = (fundamental / seen - 1) * 10_000;
      const late = -traits.lateShare * moveBps;
      const dislocated = dislocation(traits, random);
      const own = traits.noiseBps * random.normal() + dislocated + IMPACT_BPS * depthTaken;
      bps = Math.max(-WIDEST_BPS, Math.min(WIDEST_BPS, bps * traits.memory + late + own));
      seen = fundamental;
      return scale(fundamental, 1_000_000 + Math.round(bps * 100), 1_000_000);
    },
    snapshot: () => ({ random: random.snapshot(), bps, fundamental: seen }),
  };
}

function dislocation(traits: VenueTraits, random: Random): number {
  const { chance, fromBps, toBps } = traits.dislocation;
  const draw = random.uniform();
  if (draw >= chance) return 0;
  const size = fromBps + (toBps - fromBps) * random.uniform();
  return draw * 2 < chance ? size : -size;
}
