// Seam: a trading strategy. The market shows it the world and carries out what it asks.
//
// Contract: `decide` is called once per tick, in order, and may change only the strategy's own state.
// It is a pure function of that state and the view: no clock, no randomness but `setup.seed`, no I/O.
// Orders are carried out in the order given, each after its own check, and each may be refused:
// a refused symbol and side stays blocked for a while (`isBlocked`), so that nobody knocks 600 times
// a day. `snapshot` is plain JSON; the factory given that JSON goes on exactly there.

import type { FeeSchedule } from './fees.ts';
import type { Instrument } from './instrument.ts';
import type { Money } from './money.ts';
import type { Fill, OrderRequest, RefusedOrder, Side, WorkingOrder } from './order.ts';
import type { SymbolQuote } from './quote.ts';
import type { Reasoning } from './reasoning.ts';

export type Holding = {
  readonly symbol: string;
  readonly quantity: number;
  /** Exactly what was paid for what is still held, and the same per share, rounded. */
  readonly cost: Money;
  readonly averageCost: Money;
  readonly value: Money;
  readonly unrealised: Money;
};

export interface AgentView {
  readonly tick: number;
  readonly day: number;
  readonly tickOfDay: number;
  readonly ticksPerDay: number;
  readonly isDayEnd: boolean;
  readonly time: string;
  readonly instruments: readonly Instrument[];
  /** In the order of `instruments`. */
  readonly quotes: readonly SymbolQuote[];
  readonly fees: FeeSchedule;
  readonly equity: Money;
  /** Cash that no working order lays claim to. */
  readonly freeCash: Money;
  readonly holdings: ReadonlyMap<string, Holding>;
  readonly working: readonly WorkingOrder[];
  /** Own fills and refusals since the last decision. */
  readonly fills: readonly Fill[];
  readonly refused: readonly RefusedOrder[];
  isBlocked(symbol: string, side: Side): boolean;
}

export interface Decision {
  readonly orders: readonly OrderRequest[];
  /** Ids of own working orders to take out, before the orders go in. */
  readonly cancels: readonly number[];
  readonly reasoning: Reasoning;
}

export interface Strategy {
  decide(view: AgentView): Decision;
  snapshot(): unknown;
}

/** `saved` is what `snapshot()` gave, or undefined for a beginning; throws when it doesn't fit. */
export type StrategyFactory = (saved: unknown) => Strategy;
