// What everybody may see of the market at an instant. Types, and the two helpers all readers share.
import type { Venue } from './instrument.ts';
import type { Money } from './money.ts';

export type VenueQuote = {
  readonly venue: Venue;
  /** Null when that side of the book is empty. */
  readonly bid: Money | null;
  readonly bidSize: number;
  readonly ask: Money | null;
  readonly askSize: number;
  /** Middle of bid and ask; the last known one when a side is empty. */
  readonly mid: Money;
  readonly last: Money;
  /** Shares traded in this book in this tick. */
  readonly volume: number;
};

export type SymbolQuote = {
  readonly symbol: string;
  /** Mean of the venues' mids: the price positions are valued at. */
  readonly mark: Money;
  readonly previousClose: Money;
  readonly dayOpen: Money;
  readonly dayHigh: Money;
  readonly dayLow: Money;
  /** Against the previous close (on the first day, the open), as a ratio. */
  readonly change: number;
  /** Shares traded at both venues: in this tick, and since the open. */
  readonly volume: number;
  readonly dayVolume: number;
  readonly venues: readonly VenueQuote[];
};

/** The venue with the lowest ask, if anybody offers. */
export function cheapest(quote: SymbolQuote): (VenueQuote & { readonly ask: Money }) | undefined {
  let best: (VenueQuote & { readonly ask: Money }) | undefined;
  for (const venue of quote.venues) {
    const { ask } = venue;
    if (ask !== null && (best === undefined || ask < best.ask)) best = { ...venue, ask };
  }
  return best;
}

/** The venue with the highest bid, if anybody bids. */
export function dearest(quote: SymbolQuote): (VenueQuote & { readonly bid: Money }) | undefined {
  let best: (VenueQuote & { readonly bid: Money }) | undefined;
  for (const venue of quote.venues) {
    const { bid } = venue;
    if (bid !== null && (best === undefined || bid > best.bid)) best = { ...venue, bid };
  }
  return best;
}
