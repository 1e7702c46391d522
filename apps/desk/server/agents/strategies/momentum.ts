// Momentum: hold what has been rising. A fast and a slow exponential average of each price; their
// distance, measured against its own usual size, is the score. Enter the strongest above a threshold,
// leave when the score fades or the price falls too far from its peak since entry. Long only.
import { z } from 'zod';
import type { OrderRequest } from '../../market/order.ts';
import type { SymbolQuote } from '../../market/quote.ts';
import type { MomentumReasoning, TrendSignal } from '../../market/reasoning.ts';
import type { AgentView, StrategyFactory } from '../../market/strategy.ts';
import { buyFor, sellAll, ticksOf } from './requests.ts';

export interface MomentumOptions {
  /** Spans of the averages as shares of a day; 0.07 and 0.28 unless told. */
  readonly fastDays?: number;
  readonly slowDays?: number;
  /** Scores to enter above and to leave below; 1.2 and 0.1 unless told. */
  readonly enterAbove?: number;
  readonly leaveBelow?: number;
  /** Positions at once; 3 unless told. Each gets an equal share of the equity. */
  readonly positions?: number;
  /** Fall from the peak since entry that ends a position, in percent; 1.5 unless told. */
  readonly fallPercent?: number;
}

type Track = { fast: number; slow: number; usual: number; peak: number };
type State = { seen: number; tracks: Record<string, Track>; restUntil: Record<string, number> };
const stateSchema: z.ZodType<State> = z.object({
  seen: z.int(),
  tracks: z.record(
    z.string(),
    z.object({ fast: z.number(), slow: z.number(), usual: z.number(), peak: z.number() }),
  ),
  restUntil: z.record(z.string(), z.int()),
});

type Left = MomentumReasoning['left'][number];

export function momentum(options: MomentumOptions = {}): StrategyFactory {
  const { fastDays = 0.07, slowDays = 0.28, enterAbove = 1.2, leaveBelow = 0.1 } = options;
  const { positions = 3, fallPercent = 1.5 } = options;

  return (saved) => {
    const state = saved === undefined ? firstState() : stateSchema.parse(saved);
    return {
      decide(view) {
        const fastTicks = ticksOf(fastDays, view.ticksPerDay, 4);
        const slowTicks = ticksOf(slowDays, view.ticksPerDay, 12);
        const signals = view.quotes
          .map((quote) => follow(state, quote, { fastTicks, slowTicks }))
          .toSorted((one, other) => other.score - one.score);
        state.seen += 1;
        const warmUpLeft = Math.max(0, slowTicks - state.seen);
        const left = findExits(state, view, signals, { leaveBelow, fallPercent });
        const orders = left.flatMap(({ symbol }) => exitOrder(view, symbol) ?? []);
        // A place that is being left is free from the next tick on, when its cash has arrived.
        const free = positions - view.holdings.size;
        const entered: TrendSignal[] = [];
        for (const signal of warmUpLeft === 0 ? signals : []) {
          if (signal.score < enterAbove || entered.length >= free) break;
          const order = entryOrder(state, view, signal.symbol, positions);
          if (order === undefined) continue;
          orders.push(order);
          entered.push(signal);
        }
        for (const { symbol } of left) {
          state.restUntil[symbol] = view.tick + fastTicks;
        }
        const setup = { fastTicks, slowTicks, enterAbove, leaveBelow, warmUpLeft };
        const reasoning = { kind: 'momentum' as const, ...setup, signals, entered, left };
        return { orders, cancels: [], reasoning };
      },
      snapshot: () => structuredClone(state),
    };
  };
}

function firstState(): State {
  return { seen: 0, tracks: {}, restUntil: {} };
}

/** Takes one price in and gives the signal that follows from it. */
function follow(
  state: State,
  quote: SymbolQuote,
  spans: { fastTicks: number; slowTicks: number },
): TrendSignal {
  const { symbol, mark } = quote;
  const track = (state.tracks[symbol] ??= { fast: mark, slow: mark, usual: 0, peak: mark });
  track.fast += (2 / (spans.fastTicks + 1)) * (mark - track.fast);
  track.slow += (2 / (spans.slowTicks + 1)) * (mark - track.slow);
  const gap = track.fast / track.slow - 1;
  // The usual distance is learned slowly, over four slow spans, and starts at a tenth of a percent.
  const before = track.usual === 0 ? 0.001 : track.usual;
  track.usual = before + (Math.abs(gap) - before) / (4 * spans.slowTicks);
  return { symbol, score: gap / Math.max(track.usual, 0.0004), gapPercent: gap * 100 };
}

function findExits(
  state: State,
  view: AgentView,
  signals: readonly TrendSignal[],
  limits: { leaveBelow: number; fallPercent: number },
): Left[] {
  return signals.flatMap((signal): Left[] => {
    const track = state.tracks[signal.symbol];
    const mark = view.quotes.find(({ symbol }) => symbol === signal.symbol)?.mark;
    if (track === undefined || mark === undefined) return [];
    if (!view.holdings.has(signal.symbol)) {
      track.peak = mark;
      return [];
    }
    track.peak = Math.max(track.peak, mark);
    if (view.isBlocked(signal.symbol, 'sell')) return [];
    const fellPercent = (1 - mark / track.peak) * 100;
    if (fellPercent > limits.fallPercent) return [{ ...signal, because: 'fell-from-peak' }];
    if (signal.score < limits.leaveBelow) return [{ ...signal, because: 'faded' }];
    return [];
  });
}

function exitOrder(view: AgentView, symbol: string): OrderRequest | undefined {
  const quote = view.quotes.find((one) => one.symbol === symbol);
  const held = view.holdings.get(symbol)?.quantity ?? 0;
  return quote === undefined ? undefined : sellAll(quote, held, 'leave');
}

function entryOrder(
  state: State,
  view: AgentView,
  symbol: string,
  positions: number,
): OrderRequest | undefined {
  const quote = view.quotes.find((one) => one.symbol === symbol);
  const isResting = (state.restUntil[symbol] ?? 0) > view.tick;
  if (quote === undefined || isResting || view.holdings.has(symbol)) return undefined;
  if (view.isBlocked(symbol, 'buy')) return undefined;
  const slot = (view.equity * 0.96) / positions;
  const budget = Math.min(slot, view.freeCash * 0.98);
  if (budget < slot / 2) return undefined;
  return buyFor(quote, budget, 'enter');
}
