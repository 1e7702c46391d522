// What happened on the market since it was last kept: gathered tick by tick, saved as one batch.
// A save that fails keeps its records for the next one. Refuses to own: when to save.

import type { Fill, RefusedOrder } from '../market/order.ts';
import type { DecisionRecord } from '../market/report.ts';
import type { EndedAgent, PlayedTick } from './commands.ts';
import type { EquityRow, MarketBatch, MarketStore, TradingRecord } from './market-store.ts';
import { keepMarket, type OpenedMarket } from './open-market.ts';

/** One equity point of an agent is kept per this many ticks: a year's curve needs no more. */
const EQUITY_EVERY_TICKS = 10;

export interface Journal {
  note(played: PlayedTick): void;
  /** Keeps the market as it stands now. */
  save(): Promise<void>;
}

interface Gathered {
  readonly decisions: DecisionRecord[];
  readonly fills: Fill[];
  readonly refused: RefusedOrder[];
  readonly equity: EquityRow[];
  readonly ended: EndedAgent[];
}

/** @param fence of the holding in which it is written */
export function createJournal(
  opened: OpenedMarket,
  store: Pick<MarketStore, 'save'>,
  fence: number,
): Journal {
  const { market } = opened;
  let gathered = nothing();
  const note = ({ report, ended }: PlayedTick): void => {
    const { decisions, fills, refused, tick, time } = report;
    append(gathered, { decisions, fills, refused, ended, equity: ended.map(lastPoint) });
    if (tick % EQUITY_EVERY_TICKS !== 0) return;
    for (const { agentId, equity, cash } of report.equity) {
      gathered.equity.push({ agentId, tick, time, equity, cash });
    }
  };
  for (const played of opened.played) note(played);
  return {
    note,
    async save() {
      const { tick, time } = market.clock();
      if (tick === 0) return;
      const batch = gathered;
      gathered = nothing();
      try {
        const snapshot = keepMarket(opened);
        await store.save({ fence, tick, time, snapshot, standings: market.standings(), ...batch });
      } catch (error) {
        const since = gathered;
        gathered = batch;
        append(gathered, since);
        throw error;
      }
    },
  };
}

/** A curve ends where its run did, also between two points. */
function lastPoint({ standing, tick, time }: EndedAgent): EquityRow {
  const { agentId, equity, cash } = standing;
  return { agentId, tick, time, equity, cash };
}

function nothing(): Gathered {
  return { decisions: [], fills: [], refused: [], equity: [], ended: [] };
}

/** One by one: a spread of a long replay would be more arguments than a call takes. */
function append(to: Gathered, from: TradingRecord & Pick<MarketBatch, 'ended'>): void {
  for (const one of from.decisions) to.decisions.push(one);
  for (const one of from.fills) to.fills.push(one);
  for (const one of from.refused) to.refused.push(one);
  for (const one of from.equity) to.equity.push(one);
  for (const one of from.ended) to.ended.push(one);
}
