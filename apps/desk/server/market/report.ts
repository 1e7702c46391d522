// What the market tells: a report per tick, and the standing of each agent. Types only, plain JSON.
import type { Money } from './money.ts';
import type { CancelledOrder, Fill, OrderOutcome, RefusedOrder, WorkingOrder } from './order.ts';
import type { SymbolQuote } from './quote.ts';
import type { Reasoning } from './reasoning.ts';
import type { TradingRule } from './rule.ts';
import type { Holding } from './strategy.ts';

export type DecisionRecord = {
  /** Counts up over all agents; null for a decision that asked for nothing. */
  readonly id: number | null;
  readonly agentId: string;
  readonly tick: number;
  readonly time: string;
  readonly orders: number;
  readonly cancels: number;
  readonly reasoning: Reasoning;
};

export type EquityPoint = {
  readonly agentId: string;
  readonly equity: Money;
  readonly cash: Money;
  /** Since the agent began; equity = starting cash + realised + unrealised − fees. */
  readonly realised: Money;
  readonly unrealised: Money;
  readonly fees: Money;
  /** Against the equity at the day's open. */
  readonly dayProfit: Money;
};

export type TickReport = {
  /** From 1. */
  readonly tick: number;
  readonly time: string;
  readonly day: number;
  readonly tickOfDay: number;
  readonly isDayEnd: boolean;
  /** A replay has played out: there is no next tick. */
  readonly isLast: boolean;
  /** As the tick ended, after everybody traded. */
  readonly quotes: readonly SymbolQuote[];
  /** Agents' trades, oldest first; `agentId` says whose. */
  readonly fills: readonly Fill[];
  /** Agents' accepted orders of this tick. */
  readonly orders: readonly OrderOutcome[];
  readonly refused: readonly RefusedOrder[];
  readonly cancelled: readonly CancelledOrder[];
  /** Decisions that asked for something, stop losses included. */
  readonly decisions: readonly DecisionRecord[];
  /** One point per open agent. */
  readonly equity: readonly EquityPoint[];
};

/** Counts and sums over an agent's life and day. */
export type Tally = {
  orders: number;
  fills: number;
  /** Fills that closed shares, and those of them with a profit before fees. */
  closings: number;
  wins: number;
  fillsToday: number;
  realisedToday: Money;
  feesToday: Money;
  refusedToday: number;
};

export type AgentStanding = EquityPoint & {
  readonly strategy: string;
  readonly isOpen: boolean;
  readonly startingCash: Money;
  readonly equityAtOpen: Money;
  readonly holdings: readonly Holding[];
  readonly working: readonly WorkingOrder[];
  readonly rules: readonly TradingRule[];
  /** Symbols that a stop loss sold today. */
  readonly stopped: readonly string[];
  readonly tally: Readonly<Tally>;
  /** Newest last, at most 24. */
  readonly recentFills: readonly Fill[];
  readonly recentRefused: readonly RefusedOrder[];
  /** The newest decision, also one to wait; and the newest that asked for something. */
  readonly lastDecision: DecisionRecord | null;
  readonly lastAction: DecisionRecord | null;
};
