// Seam: where the market is kept. The database is one; tests keep it in memory.
//
// Contract: `save` is one step: all of a batch is kept, or nothing. `load` gives the newest snapshot that was
// kept whole, as it was given, or null for a beginning. Calls never overlap. A save by a node that leads no longer
// rejects, and keeps nothing.

import type { Fill } from '../market/order.ts';
import type { AgentStanding, DecisionRecord } from '../market/report.ts';

export interface EquityRow {
  readonly agentId: string;
  readonly tick: number;
  readonly time: string;
  /** In units of the market's money. */
  readonly equity: number;
  readonly cash: number;
}

export interface MarketBatch {
  /** Of the holding that saves; 0 where there is only one node. */
  readonly fence: number;
  readonly tick: number;
  readonly time: string;
  /** Plain JSON: everything needed to go on exactly here. */
  readonly snapshot: unknown;
  readonly standings: readonly AgentStanding[];
  /** What happened since the last save. */
  readonly decisions: readonly DecisionRecord[];
  readonly fills: readonly Fill[];
  readonly equity: readonly EquityRow[];
}

export interface MarketStore {
  load(): Promise<unknown>;
  save(batch: MarketBatch): Promise<void>;
}
