// Small ways to ask for an order, shared by the strategies.
import type { Venue } from '../../market/instrument.ts';
import type { Money } from '../../market/money.ts';
import type { OrderRequest, Side } from '../../market/order.ts';
import { cheapest, dearest, type SymbolQuote } from '../../market/quote.ts';

/** Takes up to `limit` now; what is not there is dropped. */
export function takeUpTo(
  side: Side,
  terms: { symbol: string; venue: Venue; quantity: number; limit: Money; tag: string },
): OrderRequest {
  return { ...terms, side, kind: 'ioc' };
}

/** A market buy worth about `budget` where it is cheapest; undefined when it can't be one share. */
export function buyFor(quote: SymbolQuote, budget: Money, tag: string): OrderRequest | undefined {
  const best = cheapest(quote);
  if (best === undefined) return undefined;
  const quantity = Math.floor(budget / best.ask);
  if (quantity < 1) return undefined;
  const { symbol } = quote;
  return { symbol, venue: best.venue, side: 'buy', quantity, kind: 'market', limit: null, tag };
}

/** A market sale where it brings most; undefined when nobody bids. */
export function sellAll(
  quote: SymbolQuote,
  quantity: number,
  tag: string,
): OrderRequest | undefined {
  const best = dearest(quote);
  if (best === undefined || quantity < 1) return undefined;
  const { symbol } = quote;
  return { symbol, venue: best.venue, side: 'sell', quantity, kind: 'market', limit: null, tag };
}

/** A window given as a share of the day, in ticks, but never shorter than `least`. */
export function ticksOf(shareOfDay: number, ticksPerDay: number, least: number): number {
  return Math.max(least, Math.round(shareOfDay * ticksPerDay));
}
