// What a trading run did, whole and checked: the shapes that tools, pages and answers read. Types only.
// Money is exact (market/money.ts), times are ISO 8601 UTC. Lists are oldest first.
import type { Money } from '../market/money.ts';
import type { Side } from '../market/order.ts';
import type { TradingRule } from '../market/rule.ts';

export interface RunFacts {
  readonly id: string;
  readonly modelId: string;
  readonly modelName: string;
  readonly strategy: string;
  /** Within its model, from 1. */
  readonly number: number;
  /** From a file, not from a market of Desk. */
  readonly isImported: boolean;
  readonly status: 'running' | 'completed';
  readonly startedAt: string;
  readonly updatedAt: string;
  /** equity = startingCash + realised + unrealised - fees. */
  readonly startingCash: Money;
  readonly cash: Money;
  readonly equity: Money;
  /** Before fees. */
  readonly realised: Money;
  readonly unrealised: Money;
  readonly fees: Money;
  readonly orderCount: number;
  readonly fillCount: number;
  /** Fills that closed shares, and those of them with a profit before fees. */
  readonly closingCount: number;
  readonly winCount: number;
}

/** One trade of one order, as the database has it. */
export interface Execution {
  readonly number: number;
  readonly orderNumber: number;
  readonly decisionNumber: number;
  readonly at: string;
  readonly symbol: string;
  readonly side: Side;
  readonly price: Money;
  readonly quantity: number;
  readonly notional: Money;
  readonly fee: Money;
  /** Against the average cost, before fees; 0 for one that closed nothing. */
  readonly realised: Money;
  readonly liquidity: 'taker' | 'maker';
  readonly tag: string;
}

/** Shares that were opened and closed again: all that one order closed (round-trips.ts). */
export interface ClosedTrade {
  /** Of the fill that began to close it: people are told `#123`. It never changes. */
  readonly number: number;
  readonly symbol: string;
  readonly direction: 'long' | 'short';
  readonly quantity: number;
  /** Null where the shares were opened before the part of the run that was read. */
  readonly opened: {
    readonly at: string;
    readonly fillNumber: number;
    readonly decisionNumber: number;
    readonly tag: string;
  } | null;
  readonly closed: {
    readonly at: string;
    readonly decisionNumber: number;
    readonly tag: string;
  };
  /** Per share: the account's average cost, and the average of the closing fills. */
  readonly entryPrice: Money;
  readonly exitPrice: Money;
  /** What the shares had cost, and what closing them brought before fees. */
  readonly cost: Money;
  readonly gross: Money;
  /** Of closing, and the share that opening had cost. */
  readonly fees: Money;
  /** gross - fees. */
  readonly profit: Money;
  /** Mean over the shares; null as for `opened`. */
  readonly heldMs: number | null;
}

export interface OpenPosition {
  readonly symbol: string;
  /** Below zero for shares that are owed. */
  readonly quantity: number;
  readonly cost: Money;
  readonly value: Money;
}

export interface EquityAt {
  readonly at: string;
  readonly equity: Money;
  readonly cash: Money;
}

export interface DecisionFacts {
  readonly number: number;
  readonly at: string;
  readonly orders: number;
  readonly cancels: number;
  /** As it was stored, without the long lists of all that was looked at: reasoning-words.ts reads it. */
  readonly reasoning: unknown;
}

/** Only the newest of something were read. */
export interface Cut {
  readonly of: 'fills' | 'equity points' | 'decisions';
  readonly kept: number;
  readonly total: number;
  /** Of the oldest that was kept. */
  readonly since: string;
}

export interface RunRecord {
  readonly run: RunFacts;
  readonly executions: readonly Execution[];
  readonly trades: readonly ClosedTrade[];
  readonly positions: readonly OpenPosition[];
  /** Begins with the starting cash and ends with the run's own equity, unless it was cut. */
  readonly equity: readonly EquityAt[];
  readonly decisions: readonly DecisionFacts[];
  /** In force for the model now. */
  readonly rules: readonly TradingRule[];
  /** Empty where everything was read. */
  readonly cuts: readonly Cut[];
}

/** A run in a list. */
export interface RunSummary extends RunFacts {
  readonly ruleCount: number;
}
