// What happens in a market before any agent acts: venue prices move, makers requote, the public
// trades. Owns its random streams and the running volatility that sets the makers' spread.
import { z } from 'zod';
import type { Exchange, Listing } from './exchange.ts';
import { VENUES } from './instrument.ts';
import { DEPTH, makerAccount, PUBLIC_ACCOUNT, requote, tradePublic } from './liquidity.ts';
import { misuse } from './misuse.ts';
import type { Money } from './money.ts';
import type { SourcePrice } from './price-source.ts';
import {
  createRandom,
  type Random,
  type RandomState,
  randomStateSchema,
  restoreRandom,
} from './prng.ts';
import {
  createVenuePrice,
  type Deviation,
  deviationSchema,
  type VenuePrice,
} from './venue-prices.ts';

/** Weight of the newest tick in the running volatility. */
const VOLATILITY_WEIGHT = 0.04;
const FIRST_VOLATILITY_BPS = 6;

export type BackgroundState = {
  seed: string;
  random: RandomState;
  symbols: { fundamental: Money; volatilityBps: number; venues: Deviation[] }[];
};

export const backgroundStateSchema: z.ZodType<BackgroundState> = z.object({
  seed: z.string(),
  random: randomStateSchema,
  symbols: z.array(
    z.object({
      fundamental: z.int().min(0),
      volatilityBps: z.number().min(0),
      venues: z.array(deviationSchema),
    }),
  ),
});

export interface Background {
  /** One tick; `prices` in the order of the exchange's instruments. */
  step(prices: readonly SourcePrice[]): void;
  snapshot(): BackgroundState;
}

interface Lane {
  readonly listings: readonly Listing[];
  venues: readonly VenuePrice[];
  fundamental: Money;
  volatilityBps: number;
}

export function createBackground(
  exchange: Exchange,
  start: { readonly seed: string } | BackgroundState,
): Background {
  const isNew = !('random' in start);
  const { seed } = start;
  const random = isNew ? createRandom(seed).fork('background') : restoreRandom(start.random);
  if (isNew) {
    for (const venue of VENUES) exchange.open(makerAccount(venue), 'maker', 0);
    exchange.open(PUBLIC_ACCOUNT, 'public', 0);
  }
  const lanes = lanesOf(exchange.listings, isNew ? undefined : start);

  return {
    step(prices) {
      for (const [n, lane] of lanes.entries()) {
        const now = prices[n];
        if (now === undefined) throw misuse('The price source skipped an instrument.');
        advance(exchange, lane, { ...now, random, seed });
      }
    },
    snapshot: () => ({
      seed,
      random: random.snapshot(),
      symbols: lanes.map(({ fundamental, volatilityBps, venues }) => ({
        fundamental,
        volatilityBps,
        venues: venues.map((venue) => venue.snapshot()),
      })),
    }),
  };
}

function advance(
  exchange: Exchange,
  lane: Lane,
  now: SourcePrice & { readonly random: Random; readonly seed: string },
): void {
  const { price, random } = now;
  if (lane.fundamental > 0) {
    const moveBps = Math.abs(price / lane.fundamental - 1) * 10_000;
    lane.volatilityBps += VOLATILITY_WEIGHT * (Math.min(moveBps, 60) - lane.volatilityBps);
  }
  lane.fundamental = price;
  if (lane.venues.length === 0) {
    lane.venues = lane.listings.map(({ instrument: { symbol }, venue }) =>
      createVenuePrice(venue, { seed: now.seed, symbol, fundamental: price }),
    );
  }
  for (const [n, listing] of lane.listings.entries()) {
    const venuePrice = lane.venues[n]?.next(price, listing.agentFlow / DEPTH) ?? price;
    listing.agentFlow = 0;
    requote(exchange, listing, { price: venuePrice, volatilityBps: lane.volatilityBps, random });
  }
  tradePublic(exchange, lane.listings, { volume: now.volume, random });
}

function lanesOf(listings: readonly Listing[], saved: BackgroundState | undefined): Lane[] {
  const symbols = [...new Set(listings.map(({ instrument }) => instrument.symbol))];
  if (saved !== undefined && saved.symbols.length !== symbols.length) {
    throw misuse('The saved market lists other instruments: restore with the same list.');
  }
  return symbols.map((symbol, n): Lane => {
    const own = listings.filter(({ instrument }) => instrument.symbol === symbol);
    const lane = saved?.symbols[n];
    const venues = (lane?.venues ?? []).flatMap((deviation, at) => {
      const venue = own[at]?.venue;
      return venue === undefined ? [] : [createVenuePrice(venue, deviation)];
    });
    const { fundamental = 0, volatilityBps = FIRST_VOLATILITY_BPS } = lane ?? {};
    return { listings: own, venues, fundamental, volatilityBps };
  });
}
