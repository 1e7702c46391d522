// A market to go on with: the kept one, or a new one from the seed.
//
// A killed process has told of ticks after its last save. The market is deterministic, so playing from the
// snapshot up to the last tick that was told gives the same market again, and nothing is told twice.

import * as z from 'zod';
import { AGENTS } from '../agents/agents.ts';
import { STRATEGIES } from '../agents/strategies/registry.ts';
import type { Log } from '../log.ts';
import { createMarket, type Market, restoreMarket } from '../market/market.ts';
import type { TickReport } from '../market/report.ts';
import { createOverview, EMPTY_OVERVIEW, type Overview, overviewSchema } from './overview.ts';

export interface MarketSetup {
  readonly seed: string;
  readonly ticksPerDay: number;
}

const keptSchema = z.object({
  setup: z.object({ seed: z.string(), ticksPerDay: z.number() }),
  market: z.unknown(),
  overview: overviewSchema,
});

/** More than this was never told between two saves; a snapshot so old belongs to another history. */
const MAX_REPLAY_TICKS = 100_000;

export interface OpenedMarket {
  readonly market: Market;
  readonly setup: MarketSetup;
  readonly overview: Overview;
  /** Ticks that were told but not kept, oldest first: they belong to the next save. */
  readonly replayed: readonly TickReport[];
}

/** `toldTick` is the last tick that the channels know, 0 for none. */
export function openMarket(
  kept: unknown,
  options: { setup: MarketSetup; toldTick: number; log: Log },
): OpenedMarket {
  const { log, toldTick } = options;
  if (kept === null) {
    log.info({ ...options.setup }, 'market began');
    const overview = createOverview(EMPTY_OVERVIEW);
    return { market: newMarket(options.setup), setup: options.setup, overview, replayed: [] };
  }
  const { market: snapshot, setup, overview: seen } = keptSchema.parse(kept);
  const market = restoreMarket(marketOptions(setup), snapshot);
  const overview = createOverview(seen);
  const replayed: TickReport[] = [];
  const behind = toldTick - market.clock().tick;
  if (behind <= MAX_REPLAY_TICKS) {
    while (market.clock().tick < toldTick) replayed.push(market.tick());
  }
  for (const report of replayed) overview.note(report);
  log.info({ tick: market.clock().tick, replayed: replayed.length }, 'market restored');
  return { market, setup, overview, replayed };
}

/** What `openMarket` takes again. */
export function keepMarket({ market, setup, overview }: Omit<OpenedMarket, 'replayed'>): unknown {
  return { setup, market: market.snapshot(), overview: overview.state() };
}

function newMarket(setup: MarketSetup): Market {
  const agents = AGENTS.map(({ id, strategy }) => ({ id, strategy }));
  return createMarket({ ...marketOptions(setup), agents });
}

function marketOptions({ seed, ticksPerDay }: MarketSetup) {
  return { seed, ticksPerDay, strategies: STRATEGIES };
}
