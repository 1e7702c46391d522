// Buy and hold: the same amount of everything, bought one instrument at a time over the first ticks
// so that no single book is emptied, and then nothing. What the others are measured against.
import { z } from 'zod';
import type { OrderRequest } from '../../market/order.ts';
import type { HoldReasoning } from '../../market/reasoning.ts';
import type { AgentView, StrategyFactory } from '../../market/strategy.ts';
import { buyFor } from './requests.ts';

export interface HoldOptions {
  /** Share of the equity to invest; 0.98 unless told, the rest pays fees. */
  readonly investedShare?: number;
  /** Ticks between two purchases; 3 unless told. */
  readonly pauseTicks?: number;
}

type State = { bought: string[]; lastTick: number };
const stateSchema: z.ZodType<State> = z.object({ bought: z.array(z.string()), lastTick: z.int() });

export function hold(options: HoldOptions = {}): StrategyFactory {
  const { investedShare = 0.98, pauseTicks = 3 } = options;
  return (saved) => {
    const state: State =
      saved === undefined ? { bought: [], lastTick: -pauseTicks } : stateSchema.parse(saved);
    return {
      decide(view) {
        for (const { symbol } of view.fills) {
          if (!state.bought.includes(symbol)) state.bought.push(symbol);
        }
        const order =
          view.tick - state.lastTick < pauseTicks
            ? undefined
            : nextPurchase(state, view, investedShare);
        if (order !== undefined) state.lastTick = view.tick;
        const reasoning: HoldReasoning = {
          kind: 'hold',
          targets: view.quotes.length,
          filled: state.bought.length,
          buying: order?.symbol ?? null,
          ...extremes(view),
        };
        return { orders: order === undefined ? [] : [order], cancels: [], reasoning };
      },
      snapshot: () => structuredClone(state),
    };
  };
}

function nextPurchase(state: State, view: AgentView, share: number): OrderRequest | undefined {
  const missing = view.quotes.filter(({ symbol }) => !state.bought.includes(symbol));
  const quote = missing.find(({ symbol }) => !view.isBlocked(symbol, 'buy'));
  if (quote === undefined) return undefined;
  const budget = Math.min((view.equity * share) / view.quotes.length, view.freeCash * 0.995);
  return buyFor(quote, budget, 'build');
}

function extremes(view: AgentView): Pick<HoldReasoning, 'best' | 'worst'> {
  const gains = [...view.holdings.values()]
    .map(({ symbol, unrealised, cost }) => ({ symbol, percent: (unrealised / cost) * 100 }))
    .toSorted((one, other) => other.percent - one.percent);
  return { best: gains[0] ?? null, worst: gains.at(-1) ?? null };
}
