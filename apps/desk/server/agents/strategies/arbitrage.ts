// Arbitrage: buy an instrument where it is cheaper and sell it at the other venue in the same tick.
// Both legs are immediate-or-cancel at prices seen, so a round trip is either made at a known profit
// or not at all; shares that a failed second leg leaves behind are sold at once.
// The strategy has no memory: everything it needs is in the books.
import { feeOn } from '../../market/fees.ts';
import type { OrderRequest } from '../../market/order.ts';
import { cheapest, dearest, type SymbolQuote } from '../../market/quote.ts';
import type { ArbitrageReasoning, Gap } from '../../market/reasoning.ts';
import type { AgentView, StrategyFactory } from '../../market/strategy.ts';
import { sellAll, takeUpTo } from './requests.ts';

export interface ArbitrageOptions {
  /** Least profit after both fees, in basis points; 2.5 unless told. */
  readonly thresholdBps?: number;
  /** Largest share of equity in one round trip; 0.25 unless told. */
  readonly largestShare?: number;
  /** Round trips per tick; 2 unless told. */
  readonly tripsPerTick?: number;
}

type Taken = ArbitrageReasoning['taken'][number];

export function arbitrage(options: ArbitrageOptions = {}): StrategyFactory {
  const { thresholdBps = 2.5, largestShare = 0.25, tripsPerTick = 2 } = options;
  return () => ({
    decide(view) {
      const feesBps = 2 * view.fees.takerBps;
      const gaps = view.quotes
        .flatMap((quote) => gapOf(quote, feesBps) ?? [])
        .toSorted((one, other) => other.netBps - one.netBps);
      const orders: OrderRequest[] = [];
      const unwinding: string[] = [];
      for (const quote of view.quotes) {
        const left = view.holdings.get(quote.symbol)?.quantity ?? 0;
        const sale = sellAll(quote, left, 'unwind');
        if (sale === undefined || view.isBlocked(quote.symbol, 'sell')) continue;
        orders.push(sale);
        unwinding.push(quote.symbol);
      }
      const taken: Taken[] = [];
      for (const gap of gaps) {
        if (gap.netBps < thresholdBps || taken.length === tripsPerTick) break;
        if (unwinding.includes(gap.symbol) || view.isBlocked(gap.symbol, 'buy')) continue;
        const trip = sizeOf(gap, view, largestShare);
        if (trip === undefined) continue;
        taken.push(trip);
        orders.push(...legs(trip));
      }
      const widest = gaps[0] ?? null;
      const seen = { thresholdBps, feesBps, compared: gaps.length, widest };
      return { orders, cancels: [], reasoning: { kind: 'arbitrage', ...seen, taken, unwinding } };
    },
    snapshot: () => null,
  });
}

/** The better way round between the venues, whether it pays or not. */
function gapOf(quote: SymbolQuote, feesBps: number): Gap | undefined {
  let best: Gap | undefined;
  for (const from of quote.venues) {
    for (const to of quote.venues) {
      if (from === to || from.ask === null || to.bid === null) continue;
      const grossBps = (to.bid / from.ask - 1) * 10_000;
      if (best !== undefined && best.grossBps >= grossBps) continue;
      const sides = { buyAt: from.venue, sellAt: to.venue, ask: from.ask, bid: to.bid };
      best = { symbol: quote.symbol, ...sides, grossBps, netBps: grossBps - feesBps };
    }
  }
  return best;
}

/** As many shares as both books show at these prices and the purse allows. */
function sizeOf(gap: Gap, view: AgentView, largestShare: number): Taken | undefined {
  const quote = view.quotes.find(({ symbol }) => symbol === gap.symbol);
  if (quote === undefined) return undefined;
  const offered = cheapest(quote)?.askSize ?? 0;
  const wanted = dearest(quote)?.bidSize ?? 0;
  const purse = Math.min(view.equity * largestShare, view.freeCash * 0.99);
  const quantity = Math.min(offered, wanted, Math.floor(purse / gap.ask));
  if (quantity < 1) return undefined;
  const paid = quantity * gap.ask;
  const got = quantity * gap.bid;
  const { takerBps } = view.fees;
  const expected = got - paid - feeOn(paid, takerBps) - feeOn(got, takerBps);
  return { ...gap, quantity, expected };
}

function legs({ symbol, quantity, buyAt, sellAt, ask, bid }: Taken): OrderRequest[] {
  const common = { symbol, quantity, tag: 'gap' };
  return [
    takeUpTo('buy', { ...common, venue: buyAt, limit: ask }),
    takeUpTo('sell', { ...common, venue: sellAt, limit: bid }),
  ];
}
