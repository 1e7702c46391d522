// What happened on the market since it was last kept: gathered tick by tick, saved as one batch.
// A save that fails keeps its records for the next one. Refuses to own: when to save.

import type { Fill } from '../market/order.ts';
import type { DecisionRecord, TickReport } from '../market/report.ts';
import type { EquityRow, MarketStore } from './market-store.ts';
import { keepMarket, type OpenedMarket } from './open-market.ts';

/** One equity point of an agent is kept per this many ticks: a year's curve needs no more. */
const EQUITY_EVERY_TICKS = 10;

export interface Journal {
  note(report: TickReport): void;
  /** Keeps the market as it stands now. */
  save(): Promise<void>;
}

/** @param fence of the holding in which it is written */
export function createJournal(opened: OpenedMarket, store: MarketStore, fence: number): Journal {
  const { market } = opened;
  let decisions: DecisionRecord[] = [];
  let fills: Fill[] = [];
  let equity: EquityRow[] = [];
  const note = (report: TickReport): void => {
    decisions.push(...report.decisions);
    fills.push(...report.fills);
    if (report.tick % EQUITY_EVERY_TICKS !== 0) return;
    const { tick, time } = report;
    for (const point of report.equity) {
      const { agentId, equity: worth, cash } = point;
      equity.push({ agentId, tick, time, equity: worth, cash });
    }
  };
  for (const report of opened.played) note(report);
  return {
    note,
    async save() {
      const { tick, time } = market.clock();
      if (tick === 0) return;
      const batch = { decisions, fills, equity };
      [decisions, fills, equity] = [[], [], []];
      try {
        const snapshot = keepMarket(opened);
        await store.save({ fence, tick, time, snapshot, standings: market.standings(), ...batch });
      } catch (error) {
        decisions = [...batch.decisions, ...decisions];
        fills = [...batch.fills, ...fills];
        equity = [...batch.equity, ...equity];
        throw error;
      }
    },
  };
}
