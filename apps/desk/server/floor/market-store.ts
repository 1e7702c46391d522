// Seam: where the market is kept, and what people ask of it. The database is one; tests keep it in memory.
//
// Contract: `save` is one step: all of a batch is kept, or nothing. `load` gives the newest snapshot that was
// kept whole, as it was given, or null for a beginning. Calls never overlap. A save by a node that leads no longer
// rejects, and keeps nothing. A first save (`load` gave null) makes assigned commands void: they were another market's.
//
// `assign` writes the tick into every command that has none yet, commits that, and gives all commands of that tick,
// those that a leader before assigned to it included. Whoever reads `commands` after it has heard of a tick gets all
// that were carried out before it. A node that leads no longer gets a rejection.

import type { Fill, RefusedOrder } from '../market/order.ts';
import type { AgentStanding, DecisionRecord } from '../market/report.ts';
import type { AssignedCommand, EndedAgent } from './commands.ts';

export interface EquityRow {
  readonly agentId: string;
  readonly tick: number;
  readonly time: string;
  /** In units of the market's money. */
  readonly equity: number;
  readonly cash: number;
}

/** What a run is made of but for its figures: what happened, by agent. */
export interface TradingRecord {
  readonly decisions: readonly DecisionRecord[];
  readonly fills: readonly Fill[];
  readonly refused: readonly RefusedOrder[];
  readonly equity: readonly EquityRow[];
}

export interface MarketBatch extends TradingRecord {
  /** Of the holding that saves; 0 where there is only one node. */
  readonly fence: number;
  readonly tick: number;
  readonly time: string;
  /** Plain JSON: everything needed to go on exactly here. */
  readonly snapshot: unknown;
  readonly standings: readonly AgentStanding[];
  /** Agents that were closed since the last save. */
  readonly ended: readonly EndedAgent[];
}

export interface MarketStore {
  load(): Promise<unknown>;
  save(batch: MarketBatch): Promise<void>;
  /** Those assigned to ticks after that one, in order. */
  commands(afterTick: number): Promise<readonly AssignedCommand[]>;
  assign(to: {
    readonly tick: number;
    readonly fence: number;
  }): Promise<readonly AssignedCommand[]>;
  /** The run of each agent of the Floor, by its id; those that were never saved are missing. */
  floorRuns(): Promise<ReadonlyMap<string, string>>;
}
