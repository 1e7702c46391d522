// What an agent holds, as the page shows it: at cost, at the market, and what of it is profit. Pure.

import type { PositionInfo } from '../../shared/api.ts';
import { toDollars } from '../market/money.ts';
import type { SymbolQuote } from '../market/quote.ts';
import type { AgentStanding } from '../market/report.ts';

export function describePositions(
  standing: AgentStanding,
  quotes: readonly SymbolQuote[],
): PositionInfo[] {
  const markOf = new Map(quotes.map((quote) => [quote.symbol, quote.mark]));
  return standing.holdings.map((holding) => ({
    agentId: standing.agentId,
    symbol: holding.symbol,
    quantity: holding.quantity,
    averageCost: toDollars(holding.averageCost),
    price: toDollars(markOf.get(holding.symbol) ?? 0),
    value: toDollars(holding.value),
    profit: toDollars(holding.unrealised),
  }));
}
