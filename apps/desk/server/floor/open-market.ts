// A market to go on with: the kept one, or a new one from the seed.
//
// A killed process has told of ticks after its last save. The market is deterministic, so playing from the
// snapshot up to the last tick that was told, with the commands of those ticks, gives the same market again, and
// nothing is told twice.
// A new market is warmed up: played for a while before it opens, since strategies judge by prices they have seen.

import * as z from 'zod';
import { AGENTS } from '../agents/agents.ts';
import { STRATEGIES } from '../agents/strategies/registry.ts';
import type { Log } from '../log.ts';
import { createMarket, type Market, restoreMarket } from '../market/market.ts';
import { type AssignedCommand, type PlayedTick, playTick } from './commands.ts';
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
  /** Ticks that were played while it opened, oldest first: not kept yet, and those after the told one not told. */
  readonly played: readonly PlayedTick[];
}

export interface OpenOptions {
  readonly setup: MarketSetup;
  /** The last tick that the channels know, 0 for none. */
  readonly toldTick: number;
  /** Ticks that a new market has behind it when it opens. */
  readonly warmUpTicks: number;
  /** Those that were assigned to ticks after the kept one's, in their order. Default: none. */
  readonly commands?: readonly AssignedCommand[];
  readonly log: Log;
}

export function openMarket(kept: unknown, options: OpenOptions): OpenedMarket {
  const { log, toldTick, commands = [] } = options;
  const { market, setup, overview } = kept === null ? beginMarket(options.setup) : resume(kept);
  const from = market.clock().tick;
  const until = kept === null ? Math.max(toldTick, options.warmUpTicks) : toldTick;
  const played: PlayedTick[] = [];
  if (until - from <= MAX_REPLAY_TICKS) {
    while (market.clock().tick < until) played.push(playTick(market, commands));
  }
  for (const { report } of played) overview.note(report);
  const step = kept === null ? 'market began' : 'market restored';
  log.info({ ...setup, tick: market.clock().tick, played: played.length }, step);
  return { market, setup, overview, played };
}

/** The tick of what was kept, 0 for nothing: commands after it are still to be carried out. */
export function keptTick(kept: unknown): number {
  if (kept === null) return 0;
  return z.object({ market: z.object({ tick: z.int() }) }).parse(kept).market.tick;
}

/** What `openMarket` takes again. */
export function keepMarket({ market, setup, overview }: Omit<OpenedMarket, 'played'>): unknown {
  return { setup, market: market.snapshot(), overview: overview.state() };
}

type Opening = Omit<OpenedMarket, 'played'>;

function beginMarket(setup: MarketSetup): Opening {
  const agents = AGENTS.map(({ id, strategy }) => ({ id, strategy }));
  const market = createMarket({ ...marketOptions(setup), agents });
  return { market, setup, overview: createOverview(EMPTY_OVERVIEW) };
}

function resume(kept: unknown): Opening {
  const { market: snapshot, setup, overview } = keptSchema.parse(kept);
  const market = restoreMarket(marketOptions(setup), snapshot);
  return { market, setup, overview: createOverview(overview) };
}

function marketOptions({ seed, ticksPerDay }: MarketSetup) {
  return { seed, ticksPerDay, strategies: STRATEGIES };
}
