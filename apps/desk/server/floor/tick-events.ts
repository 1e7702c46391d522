// What a tick of the market is on the channels. Pure: report in, events out.

import { agentActivity, agentEquity, marketTicks } from '../../shared/channels.ts';
import type {
  EquityUpdate,
  FillEvent,
  MarketTick,
  Quote,
  RefusalEvent,
} from '../../shared/market-events.ts';
import { toDollars } from '../market/money.ts';
import type { Fill, RefusedOrder } from '../market/order.ts';
import { cheapest, dearest, type SymbolQuote } from '../market/quote.ts';
import type { EquityPoint, TickReport } from '../market/report.ts';
import { publicPart } from './commands.ts';

export function toTick(report: Pick<TickReport, 'tick' | 'time' | 'day' | 'quotes'>): MarketTick {
  const { tick, time, day } = report;
  return { tick, time, day, quotes: report.quotes.map(toQuote) };
}

export function toQuote(quote: SymbolQuote): Quote {
  const bid = dearest(quote)?.bid;
  const ask = cheapest(quote)?.ask;
  return {
    symbol: quote.symbol,
    price: toDollars(quote.mark),
    bid: bid === undefined ? null : toDollars(bid),
    ask: ask === undefined ? null : toDollars(ask),
    change: Number(quote.change.toFixed(6)),
    volume: quote.dayVolume,
  };
}

export function toEquity(report: Pick<TickReport, 'tick' | 'time' | 'equity'>): EquityUpdate {
  const { tick, time, equity } = report;
  return { tick, time, accounts: equity.map(toAccount) };
}

function toAccount(point: EquityPoint): EquityUpdate['accounts'][number] {
  return {
    agentId: point.agentId,
    equity: toDollars(point.equity),
    cash: toDollars(point.cash),
    profit: toDollars(point.realised + point.unrealised - point.fees),
    dayProfit: toDollars(point.dayProfit),
  };
}

export function toFill(fill: Fill): FillEvent {
  const { agentId, tick, time, symbol, venue, side, quantity } = fill;
  return {
    ...{ id: `fill-${fill.id}`, agentId, tick, time, symbol, venue, side, quantity },
    price: toDollars(fill.price),
    fee: toDollars(fill.fee),
    realised: toDollars(fill.realised),
  };
}

export function toRefusal(refused: RefusedOrder): RefusalEvent {
  const { agentId, tick, time, ruleId, reason } = refused;
  const { symbol, side, quantity } = refused.request;
  return { agentId, tick, time, symbol, side, quantity, ruleId, reason };
}

/**
 * Everything that one tick tells to everybody, in one batch. Under keys: where a node takes over from one that is not quite dead, both
 * tell the same tick of the same market, and it is there once.
 */
export function tickItems(all: TickReport) {
  const report = publicPart(all);
  const key = `tick-${report.tick}`;
  return [
    { channel: marketTicks.of(), key, event: { type: 'tick' as const, data: toTick(report) } },
    { channel: agentEquity.of(), key, event: { type: 'equity' as const, data: toEquity(report) } },
    ...report.fills.map((fill) => ({
      channel: agentActivity.of(),
      key: `fill-${fill.id}`,
      event: { type: 'fill' as const, data: toFill(fill) },
    })),
    ...report.refused.map((refused, index) => ({
      channel: agentActivity.of(),
      key: `refusal-${report.tick}-${index}`,
      event: { type: 'refusal' as const, data: toRefusal(refused) },
    })),
  ];
}
