// What the leader tells the runs' own channels: how each stands, at most every second, and at once when one begins or ends.
// Refuses to own: who may read them (identity/run-readers.ts).

import type { Hub, PublishManyItem } from '@millrace/server';
import { runFigures } from '../../shared/channels.ts';
import type { RunFigures } from '../../shared/run-figures.ts';
import type { Market } from '../market/market.ts';
import { toDollars } from '../market/money.ts';
import type { AgentStanding, DecisionRecord } from '../market/report.ts';
import { type EndedAgent, isOfFloor, type PlayedTick } from './commands.ts';

export interface FigureTeller {
  /** What is to be told with this tick. */
  items(played: PlayedTick): readonly PublishManyItem[];
  /** Of it, what is told of runs that are over. */
  lastItems(played: PlayedTick): readonly PublishManyItem[];
  /** Ends the channels of runs that are over, once their last figures are out. */
  end(played: PlayedTick): Promise<void>;
}

export interface FigureTellerOptions {
  readonly hub: Pick<Hub, 'end'>;
  readonly market: Market;
  /** Of the agents of the Floor. A person's model trades as its run. */
  readonly runOf: ReadonlyMap<string, string>;
  onError(error: unknown): void;
  readonly now?: () => number;
}

const EVERY_MS = 1_000;

export function createFigureTeller(options: FigureTellerOptions): FigureTeller {
  const { hub, market, runOf, now = () => performance.now() } = options;
  let known: ReadonlySet<string> = new Set();
  let toldAt = Number.NEGATIVE_INFINITY;
  const runIdOf = (agentId: string): string | undefined =>
    isOfFloor(agentId) ? runOf.get(agentId) : agentId;
  const itemOf = ({ standing, tick, time }: EndedAgent): PublishManyItem[] => {
    const runId = runIdOf(standing.agentId);
    if (runId === undefined) return [];
    const event = { type: 'figures' as const, data: toFigures(standing, { tick, time }) };
    // Under a key: a successor tells the same tick of the same market.
    return [{ channel: runFigures.of({ runId }), key: `${event.data.status}-${tick}`, event }];
  };

  return {
    items({ report, ended }) {
      const open = report.equity.map(({ agentId }) => agentId);
      const isDue = now() - toldAt >= EVERY_MS;
      const told = isDue ? open : open.filter((id) => !known.has(id));
      if (isDue) toldAt = now();
      known = new Set(open);
      const standings = told.map((id) => market.standing(id)).filter((one) => one !== undefined);
      const { tick, time } = report;
      const running = standings.flatMap((standing) => itemOf({ standing, tick, time }));
      return [...running, ...ended.flatMap(itemOf)];
    },
    lastItems: ({ ended }) => ended.flatMap(itemOf),
    async end({ ended }) {
      for (const { standing } of ended) {
        // Again after a leader before this one, that is fine.
        await hub.end(runFigures.of({ runId: standing.agentId })).catch(options.onError);
      }
    },
  };
}

export function toFigures(
  standing: AgentStanding,
  at: { readonly tick: number; readonly time: string },
): RunFigures {
  const { equity, cash, startingCash, dayProfit, isOpen } = standing;
  return {
    ...at,
    status: isOpen ? 'running' : 'completed',
    equity: toDollars(equity),
    cash: toDollars(cash),
    profit: toDollars(equity - startingCash),
    dayProfit: toDollars(dayProfit),
    positions: standing.holdings.map((holding) => ({
      symbol: holding.symbol,
      quantity: holding.quantity,
      averageCost: toDollars(holding.averageCost),
      value: toDollars(holding.value),
      profit: toDollars(holding.unrealised),
    })),
    decision: toDecision(standing.lastAction),
  };
}

function toDecision(record: DecisionRecord | null): RunFigures['decision'] {
  if (record === null || record.id === null) return null;
  const { id: number, tick, time, orders, cancels, reasoning } = record;
  return { number, tick, time, orders, cancels, reasoning: { ...reasoning } };
}
