// The learned strategy: an online logistic regression (online-model.ts) over past-tick features
// (learned-features.ts) says how likely each price is to be higher some ticks ahead. It is trained on
// every tick it has seen, once the outcome is known, and buys only where the expected move exceeds
// what a round trip costs. Long only. Forecasts never reach over the night.
import { z } from 'zod';
import type { Money } from '../../market/money.ts';
import type { OrderRequest } from '../../market/order.ts';
import { cheapest, dearest, type SymbolQuote } from '../../market/quote.ts';
import type { Forecast, LearnedReasoning } from '../../market/reasoning.ts';
import type { AgentView, StrategyFactory } from '../../market/strategy.ts';
import { FEATURES, featuresOf, type PriceMemory, remember } from './learned-features.ts';
import { firstModel, forecast, learn, type ModelState, modelStateSchema } from './online-model.ts';
import { buyFor, sellAll, ticksOf } from './requests.ts';

export interface LearnedOptions {
  /** How far ahead it forecasts, as a share of a day; 0.05 unless told. */
  readonly horizonDays?: number;
  /** Positions at once; 4 unless told. */
  readonly positions?: number;
  /** Examples it trains on before it trades; 1500 unless told. */
  readonly leastSamples?: number;
  /** Expected move over cost that it asks for, in basis points; 2.5 unless told. */
  readonly marginBps?: number;
  /** Recent hit rate below which it only watches; 0.505 unless told. */
  readonly leastHitRate?: number;
}

type Example = { symbol: string; mark: Money; features: number[]; forecast: number };
type State = {
  model: ModelState;
  memories: Record<string, PriceMemory>;
  /** Mean size of a move over the horizon, as a ratio, per instrument. */
  typical: Record<string, number>;
  /** One batch per tick whose outcome is not known yet, oldest first. */
  pending: Example[][];
  since: Record<string, number>;
};
const stateSchema: z.ZodType<State> = z.object({
  model: modelStateSchema,
  memories: z.record(z.string(), z.object({ marks: z.array(z.int()), volatility: z.number() })),
  typical: z.record(z.string(), z.number()),
  pending: z.array(
    z.array(
      z.object({
        symbol: z.string(),
        mark: z.int(),
        features: z.array(z.number()),
        forecast: z.number(),
      }),
    ),
  ),
  since: z.record(z.string(), z.int()),
});

type Sold = LearnedReasoning['sold'][number];

export function learned(options: LearnedOptions = {}): StrategyFactory {
  const {
    horizonDays = 0.05,
    positions = 4,
    leastSamples = 1_500,
    marginBps = 2.5,
    leastHitRate = 0.505,
  } = options;
  return (saved) => {
    const state = saved === undefined ? firstState() : stateSchema.parse(saved);
    return {
      decide(view) {
        const horizonTicks = ticksOf(horizonDays, view.ticksPerDay, 2);
        if (view.tickOfDay === 0) state.pending = [];
        train(state, view.quotes, horizonTicks);
        const forecasts = foresee(state, view);
        const { samples, recentHitRate } = state.model;
        const isTrading = samples >= leastSamples && recentHitRate >= leastHitRate;
        const sold = findExits(state, view, forecasts, horizonTicks);
        const orders = sold.flatMap(({ symbol }) => saleOf(view, symbol) ?? []);
        const bought: Forecast[] = [];
        // A place that is being left is free from the next tick on, when its cash has arrived.
        const free = positions - view.holdings.size;
        for (const one of isTrading ? forecasts : []) {
          const isWorth = one.edgeBps > one.costBps + marginBps;
          if (!isWorth || bought.length >= free) break;
          const order = purchaseOf(view, one.symbol, positions);
          if (order === undefined) continue;
          orders.push(order);
          bought.push(one);
          state.since[one.symbol] = view.tick;
        }
        return {
          orders,
          cancels: [],
          reasoning: {
            ...describeModel(state.model),
            ...{ horizonTicks, leastSamples, leastHitRate, isTrading, marginBps },
            ...{ forecasts, bought, sold },
          },
        };
      },
      snapshot: () => structuredClone(state),
    };
  };
}

function firstState(): State {
  const model = firstModel(FEATURES.length);
  return { model, memories: {}, typical: {}, pending: [], since: {} };
}

/** Learns from the batch whose horizon is reached now. */
function train(state: State, quotes: readonly SymbolQuote[], horizonTicks: number): void {
  if (state.pending.length < horizonTicks) return;
  for (const example of state.pending.shift() ?? []) {
    const now = quotes.find(({ symbol }) => symbol === example.symbol)?.mark;
    if (now === undefined || now === example.mark) continue;
    const move = Math.abs(now / example.mark - 1);
    const before = state.typical[example.symbol] ?? move;
    state.typical[example.symbol] = before + 0.01 * (move - before);
    learn(state.model, { ...example, isUp: now > example.mark });
  }
}

/** Forecasts for all instruments, highest expected move first; keeps them to learn from later. */
function foresee(state: State, view: AgentView): Forecast[] {
  for (const { symbol, mark } of view.quotes) {
    const memory = (state.memories[symbol] ??= { marks: [], volatility: 0.0006 });
    remember(memory, mark);
  }
  const batch: Example[] = [];
  const all = featuresOf(view.quotes, state.memories);
  const forecasts = view.quotes.flatMap((quote, n): Forecast[] => {
    const features = all[n];
    if (features === undefined) return [];
    const { symbol, mark } = quote;
    const probabilityUp = forecast(state.model, features);
    batch.push({ symbol, mark, features: [...features], forecast: probabilityUp });
    const edgeBps = (2 * probabilityUp - 1) * (state.typical[symbol] ?? 0) * 10_000;
    return [{ symbol, probabilityUp, edgeBps, costBps: roundTripBps(quote, view) }];
  });
  state.pending.push(batch);
  return forecasts.toSorted((one, other) => other.edgeBps - one.edgeBps);
}

/** Buying at the lowest ask and selling at the highest bid right away, fees included. */
function roundTripBps(quote: SymbolQuote, view: AgentView): number {
  const ask = cheapest(quote)?.ask ?? quote.mark * 1.01;
  const bid = dearest(quote)?.bid ?? quote.mark * 0.99;
  return Math.max(0, (ask / bid - 1) * 10_000) + 2 * view.fees.takerBps;
}

function findExits(
  state: State,
  view: AgentView,
  forecasts: readonly Forecast[],
  horizonTicks: number,
): Sold[] {
  return forecasts.flatMap((one): Sold[] => {
    if (!view.holdings.has(one.symbol) || view.isBlocked(one.symbol, 'sell')) return [];
    const heldTicks = view.tick - (state.since[one.symbol] ?? view.tick);
    if (one.edgeBps < -one.costBps / 2) return [{ ...one, because: 'turned' }];
    const isOver = heldTicks >= horizonTicks && one.edgeBps < one.costBps / 3;
    return isOver ? [{ ...one, because: 'horizon' }] : [];
  });
}

function saleOf(view: AgentView, symbol: string): OrderRequest | undefined {
  const quote = view.quotes.find((one) => one.symbol === symbol);
  const held = view.holdings.get(symbol)?.quantity ?? 0;
  return quote === undefined ? undefined : sellAll(quote, held, 'sell');
}

function purchaseOf(view: AgentView, symbol: string, positions: number): OrderRequest | undefined {
  const quote = view.quotes.find((one) => one.symbol === symbol);
  if (quote === undefined || view.holdings.has(symbol)) return undefined;
  if (view.isBlocked(symbol, 'buy')) return undefined;
  const slot = (view.equity * 0.94) / positions;
  const budget = Math.min(slot, view.freeCash * 0.98);
  if (budget < slot / 2) return undefined;
  return buyFor(quote, budget, 'buy');
}

type ModelField = 'kind' | 'samples' | 'hitRate' | 'recentHitRate' | 'recentLogLoss' | 'weights';

function describeModel(model: ModelState): Pick<LearnedReasoning, ModelField> {
  const { samples } = model;
  const isScored = samples > 0;
  return {
    kind: 'learned',
    samples,
    hitRate: isScored ? model.hits / samples : null,
    recentHitRate: isScored ? model.recentHitRate : null,
    recentLogLoss: isScored ? model.recentLogLoss : null,
    weights: FEATURES.map((feature, n) => ({ feature, weight: model.weights[n] ?? 0 })),
  };
}
