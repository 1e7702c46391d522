// Accepted stop-loss rules, carried out: which positions have lost too much, and the order that
// sells each. Pure. A loss is against cost at the best bid, because that is what selling brings.
import type { OrderRequest } from './order.ts';
import { dearest, type SymbolQuote } from './quote.ts';
import type { StopLossReasoning } from './reasoning.ts';
import type { TradingRule } from './rule.ts';
import type { Holding } from './strategy.ts';

export interface StopOut {
  readonly order: OrderRequest;
  readonly reasoning: StopLossReasoning;
}

export function findStopOuts(
  rules: readonly TradingRule[],
  holdings: readonly Holding[],
  quotes: readonly SymbolQuote[],
): StopOut[] {
  const stops = rules.flatMap((rule) => (rule.kind === 'stop_loss' ? [rule] : []));
  const tightest = stops.toSorted((one, other) => one.percent - other.percent)[0];
  if (tightest === undefined) return [];
  return holdings.flatMap((holding): StopOut[] => {
    const quote = quotes.find(({ symbol }) => symbol === holding.symbol);
    const best = quote === undefined ? undefined : dearest(quote);
    if (best === undefined || holding.quantity < 1) return [];
    const value = holding.quantity * best.bid;
    const lossPercent = ((holding.cost - value) / holding.cost) * 100;
    if (lossPercent < tightest.percent) return [];
    const { symbol, quantity } = holding;
    const { venue } = best;
    const kind = 'market' as const;
    const order = {
      symbol,
      venue,
      side: 'sell' as const,
      quantity,
      kind,
      limit: null,
      tag: 'stop',
    };
    const { id: ruleId, percent: limitPercent } = tightest;
    return [{ order, reasoning: { kind: 'stop_loss', ruleId, symbol, limitPercent, lossPercent } }];
  });
}
