// Who agents trade with: one market maker per venue that quotes a ladder around the venue's price at
// every tick, and the public that takes from the books what the price source says was traded.
// Both have accounts like everybody else, may owe shares, and pay the same fees.
import type { Exchange, Listing } from './exchange.ts';
import type { Venue } from './instrument.ts';
import { dollars, type Money } from './money.ts';
import type { Random } from './prng.ts';

export const PUBLIC_ACCOUNT = 'public';
export const makerAccount = (venue: Venue): string => `maker:${venue}`;

/** What one level is worth, nearest the price first. */
const LADDER: readonly Money[] = [9_000, 12_000, 16_000, 22_000, 30_000].map(dollars);
export const DEPTH: Money = LADDER.reduce((sum, level) => sum + level, 0);

/** Of a ladder's depth, what the public takes of each side in one tick at most: imported volumes can
 * be a thousand times what these books hold, and agents must find something in them. */
const PUBLIC_SHARE = 0.4;

const LEAST_HALF_SPREAD_BPS = 1.1;
/** Half-spread per basis point of recent tick volatility. */
const SPREAD_PER_VOLATILITY = 0.16;

/** The maker's quotes of the last tick go, and new ones come; agents' orders in their way trade. */
export function requote(
  exchange: Exchange,
  listing: Listing,
  terms: { readonly price: Money; readonly volatilityBps: number; readonly random: Random },
): void {
  const { price, volatilityBps, random } = terms;
  const maker = makerAccount(listing.venue);
  const step = listing.instrument.tickSize;
  listing.book.cancelOwner(maker);
  const halfBps = LEAST_HALF_SPREAD_BPS + SPREAD_PER_VOLATILITY * volatilityBps;
  const half = Math.max(step / 2, (price * halfBps) / 10_000);
  for (const [level, worth] of LADDER.entries()) {
    const distance = half * (1 + 0.9 * level);
    const bid = Math.floor((price - distance) / step) * step;
    const ask = Math.ceil((price + distance) / step) * step;
    for (const [side, limit] of [
      ['buy', bid],
      ['sell', ask],
    ] as const) {
      const size = Math.round((worth / price) * (0.7 + 0.6 * random.uniform()));
      if (limit > 0 && size > 0)
        exchange.background(maker, listing, { side, quantity: size, limit });
    }
  }
  listing.mid = price;
  if (listing.last === 0) listing.last = price;
}

/** The public's trading of one instrument in one tick, over its listings, both sides. */
export function tradePublic(
  exchange: Exchange,
  listings: readonly Listing[],
  terms: { readonly volume: number; readonly random: Random },
): void {
  for (const listing of listings) {
    const most = Math.floor((DEPTH * PUBLIC_SHARE) / listing.mid);
    const share = listing.venue === 'harbour' ? 0.62 : 0.38;
    const total = terms.volume * share;
    const lean = Math.max(0, Math.min(1, 0.5 + 0.18 * terms.random.normal()));
    const bought = Math.min(most, Math.round(total * lean));
    const sold = Math.min(most, Math.round(total * (1 - lean)));
    for (const [side, quantity] of [
      ['buy', bought],
      ['sell', sold],
    ] as const) {
      if (quantity > 0)
        exchange.background(PUBLIC_ACCOUNT, listing, { side, quantity, limit: null });
    }
  }
}
