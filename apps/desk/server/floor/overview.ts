// What a page sees first: the newest tick, the equity curve since the beginning, the newest trades.
// Of the five agents alone: what people's models do is theirs. Folded from the same reports as the channels, and kept with the market, so that a restart shows the same picture.

import * as z from 'zod';
import { addEquity, EMPTY_SERIES, type EquitySeries } from '../../shared/equity-series.ts';
import type { EquityUpdate, FillEvent, MarketTick } from '../../shared/market-events.ts';
import type { TickReport } from '../market/report.ts';
import { publicPart } from './commands.ts';
import { toEquity, toFill, toTick } from './tick-events.ts';

const MAX_FILLS = 50;

export interface OverviewState {
  readonly tick: MarketTick | null;
  readonly equity: EquitySeries;
  /** Oldest first. */
  readonly fills: readonly FillEvent[];
}

export interface Overview {
  note(report: TickReport): void;
  /** Plain JSON; what `createOverview` takes. */
  state(): OverviewState;
}

export const EMPTY_OVERVIEW: OverviewState = { tick: null, equity: EMPTY_SERIES, fills: [] };

const tickSchema: z.ZodType<MarketTick> = z.object({
  tick: z.number(),
  time: z.string(),
  day: z.number(),
  quotes: z.array(
    z.object({
      symbol: z.string(),
      price: z.number(),
      bid: z.number().nullable(),
      ask: z.number().nullable(),
      change: z.number(),
      volume: z.number(),
    }),
  ),
});

const updateSchema: z.ZodType<EquityUpdate> = z.object({
  tick: z.number(),
  time: z.string(),
  accounts: z.array(
    z.object({
      agentId: z.string(),
      equity: z.number(),
      cash: z.number(),
      profit: z.number(),
      dayProfit: z.number(),
    }),
  ),
});

const fillSchema: z.ZodType<FillEvent> = z.object({
  id: z.string(),
  agentId: z.string(),
  tick: z.number(),
  time: z.string(),
  symbol: z.string(),
  venue: z.string(),
  side: z.enum(['buy', 'sell']),
  quantity: z.number(),
  price: z.number(),
  fee: z.number(),
  realised: z.number(),
});

export const overviewSchema: z.ZodType<OverviewState> = z.object({
  tick: tickSchema.nullable(),
  equity: z.object({
    agentIds: z.array(z.string()),
    everyTicks: z.number(),
    points: z.array(z.object({ tick: z.number(), time: z.string(), equity: z.array(z.number()) })),
    latest: updateSchema.nullable(),
  }),
  fills: z.array(fillSchema),
});

export function createOverview(saved: OverviewState): Overview {
  let { tick, equity, fills } = saved;
  return {
    note(all) {
      const report = publicPart(all);
      tick = toTick(report);
      equity = addEquity(equity, toEquity(report));
      fills = [...fills, ...report.fills.map(toFill)].slice(-MAX_FILLS);
    },
    state: () => ({ tick, equity, fills }),
  };
}
