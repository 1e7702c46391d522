// Grid trading: resting bids at equal steps below a centre, and for each level that was filled a
// resting offer one step higher. It earns from going to and fro, and loses when a price leaves
// downwards for good; then the grid is abandoned and its shares are sold.
// It trades the instruments whose price lately walked far without getting anywhere (choppiness).
import { z } from 'zod';
import { VENUES, type Venue } from '../../market/instrument.ts';
import type { Money } from '../../market/money.ts';
import type { Fill, OrderRequest } from '../../market/order.ts';
import type { GridState } from '../../market/reasoning.ts';
import type { AgentView, StrategyFactory } from '../../market/strategy.ts';
import { readWatch, type Watch, watchPrices, watchSchema } from './grid-watch.ts';
import { sellAll, ticksOf } from './requests.ts';

export interface GridOptions {
  /** Instruments at once; 4 unless told. */
  readonly instruments?: number;
  /** Bids below each centre; 4 unless told. */
  readonly levels?: number;
  /** Watching before the first choice, as a share of a day; 0.08 unless told. */
  readonly watchDays?: number;
  /** Steps below the lowest level at which a grid is abandoned; 4 unless told. */
  readonly abandonSteps?: number;
}

type Grid = { symbol: string; centre: Money; step: Money; choppiness: number; held: number[] };
type State = { seen: number; watch: Record<string, Watch>; grids: Grid[] };
const stateSchema: z.ZodType<State> = z.object({
  seen: z.int(),
  watch: z.record(z.string(), watchSchema),
  grids: z.array(
    z.object({
      symbol: z.string(),
      centre: z.int(),
      step: z.int().positive(),
      choppiness: z.number(),
      held: z.array(z.int()),
    }),
  ),
});

interface Plan {
  readonly orders: OrderRequest[];
  readonly cancels: number[];
  readonly recentred: string[];
  readonly abandoned: string[];
}

export function grid(options: GridOptions = {}): StrategyFactory {
  const { instruments = 4, levels = 4, watchDays = 0.08, abandonSteps = 4 } = options;
  return (saved) => {
    const state: State =
      saved === undefined ? { seen: 0, watch: {}, grids: [] } : stateSchema.parse(saved);
    return {
      decide(view) {
        const watchTicks = ticksOf(watchDays, view.ticksPerDay, 8);
        for (const fill of view.fills) bookFill(state.grids, fill);
        const isMorning = view.tickOfDay === 0 && state.seen >= watchTicks;
        if (isMorning) state.grids = state.grids.filter(isLoaded);
        watchPrices(state.watch, view.quotes);
        state.seen += 1;
        const plan: Plan = { orders: [], cancels: [], recentred: [], abandoned: [] };
        if (state.seen >= watchTicks) choose(state, view, { instruments, levels });
        if (isMorning) state.watch = {};
        for (const one of state.grids) tend(one, view, { instruments, abandonSteps }, plan);
        state.grids = state.grids.filter(({ symbol }) => !plan.abandoned.includes(symbol));
        const { orders, cancels, recentred, abandoned } = plan;
        const bids = orders.filter(({ side }) => side === 'buy').length;
        return {
          orders,
          cancels,
          reasoning: {
            kind: 'grid',
            watchLeft: Math.max(0, watchTicks - state.seen),
            grids: state.grids.map((one) => describe(one, view, plan)),
            placedBids: bids,
            placedAsks: orders.filter(({ tag }) => tag !== 'abandon').length - bids,
            recentred,
            abandoned,
          },
        };
      },
      snapshot: () => structuredClone(state),
    };
  };
}

const isLoaded = (one: Grid): boolean => one.held.some((quantity) => quantity > 0);
const tagOf = (symbol: string, level: number): string => `grid:${symbol}:${level}`;
const venueOf = (level: number): Venue => VENUES[level % VENUES.length] ?? 'harbour';

/** A fill belongs to the level its tag names; other tags (a rule's sale) empty the lowest first. */
function bookFill(grids: readonly Grid[], fill: Fill): void {
  const one = grids.find(({ symbol }) => symbol === fill.symbol);
  if (one === undefined) return;
  const level = Number(fill.tag.split(':')[2]);
  const held = one.held[level];
  if (held !== undefined) {
    one.held[level] = held + (fill.side === 'buy' ? fill.quantity : -fill.quantity);
    return;
  }
  let left = fill.quantity;
  for (let n = one.held.length - 1; n >= 0; n -= 1) {
    const part = Math.min(left, one.held[n] ?? 0);
    one.held[n] = (one.held[n] ?? 0) - part;
    left -= part;
  }
}

/** Fills the free places with the choppiest instruments that have no grid and no shares yet. */
function choose(
  state: State,
  view: AgentView,
  size: { instruments: number; levels: number },
): void {
  if (state.grids.length >= size.instruments) return;
  const free = view.quotes
    .filter(({ symbol }) => !state.grids.some((one) => one.symbol === symbol))
    .filter(({ symbol }) => !view.holdings.has(symbol))
    .flatMap((quote) => {
      const seen = readWatch(state.watch[quote.symbol]);
      return seen === undefined ? [] : [{ quote, ...seen }];
    })
    .toSorted((one, other) => other.choppiness - one.choppiness);
  for (const { quote, choppiness, meanMove } of free) {
    if (state.grids.length >= size.instruments) return;
    const tickSize = view.instruments.find(({ symbol }) => symbol === quote.symbol)?.tickSize ?? 1;
    const steps = Math.round((quote.mark * Math.max(0.0014, meanMove * 5)) / tickSize);
    const step = Math.max(2, steps) * tickSize;
    const centre = Math.round(quote.mark / tickSize) * tickSize;
    const held = new Array<number>(size.levels).fill(0);
    state.grids.push({ symbol: quote.symbol, centre, step, choppiness, held });
  }
}

function tend(
  one: Grid,
  view: AgentView,
  limits: { instruments: number; abandonSteps: number },
  plan: Plan,
): void {
  const { symbol } = one;
  const quote = view.quotes.find((each) => each.symbol === symbol);
  if (quote === undefined) return;
  const own = view.working.filter(({ request }) => request.symbol === symbol);
  const cancelled = new Set<number>();
  const floor = one.centre - (one.held.length + limits.abandonSteps) * one.step;
  if (quote.mark < floor) {
    plan.cancels.push(...own.map(({ id }) => id));
    const sale = sellAll(quote, view.holdings.get(symbol)?.quantity ?? 0, 'abandon');
    if (sale !== undefined) plan.orders.push(sale);
    plan.abandoned.push(symbol);
    return;
  }
  if (quote.mark > one.centre + 1.5 * one.step && !isLoaded(one)) {
    one.centre += Math.floor((quote.mark - one.centre) / one.step) * one.step;
    plan.recentred.push(symbol);
    for (const { id } of own) cancelled.add(id);
    plan.cancels.push(...cancelled);
  }
  const lot = Math.floor((view.equity * 0.92) / (limits.instruments * one.held.length));
  for (const [level, held] of one.held.entries()) {
    const tag = tagOf(symbol, level);
    const mine = own.filter(({ id, request }) => request.tag === tag && !cancelled.has(id));
    const bidAt = one.centre - (level + 1) * one.step;
    const place = { symbol, venue: venueOf(level), kind: 'day' as const, tag };
    const isBidding = mine.some(({ request }) => request.side === 'buy');
    const quantity = bidAt > 0 ? Math.floor(lot / bidAt) : 0;
    if (held === 0 && !isBidding && quantity > 0 && !view.isBlocked(symbol, 'buy')) {
      plan.orders.push({ ...place, side: 'buy', quantity, limit: bidAt });
    }
    const offered = mine
      .filter(({ request }) => request.side === 'sell')
      .reduce((sum, { remaining }) => sum + remaining, 0);
    if (held > offered && !view.isBlocked(symbol, 'sell')) {
      const limit = bidAt + one.step;
      plan.orders.push({ ...place, side: 'sell', quantity: held - offered, limit });
    }
  }
}

/** The grid as it will stand once this decision's orders are in. */
function describe(one: Grid, view: AgentView, plan: Plan): GridState {
  const standing = view.working
    .filter(({ id }) => !plan.cancels.includes(id))
    .map(({ request }) => request);
  const own = [...standing, ...plan.orders].filter(({ symbol }) => symbol === one.symbol);
  const limits = (side: string): Money[] =>
    own.flatMap((request) => (request.side === side ? (request.limit ?? []) : []));
  const bids = limits('buy');
  const asks = limits('sell');
  return {
    symbol: one.symbol,
    centre: one.centre,
    step: one.step,
    stepPercent: (one.step / one.centre) * 100,
    choppiness: one.choppiness,
    bids: bids.length,
    asks: asks.length,
    loaded: one.held.filter((quantity) => quantity > 0).length,
    levels: one.held.length,
    nearestBid: bids.length > 0 ? Math.max(...bids) : null,
    nearestAsk: asks.length > 0 ? Math.min(...asks) : null,
  };
}
