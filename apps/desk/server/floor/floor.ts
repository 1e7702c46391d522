// The Floor on every node: the one that holds the lease leads the market, the others follow it; all answer for it.
//
//   following ──lease held──▶ leading ──lost──▶ following      close: a leader keeps the market and lets go

import type { Hub } from '@millrace/server';
import type { MarketAnswer } from '../../shared/api.ts';
import type { MessageBoard } from '../chat/message-board.ts';
import type { Briefing, Phrasing } from '../chat/phrasing.ts';
import type { Lease, LeaseHolding } from '../lease/lease.ts';
import type { Log } from '../log.ts';
import type { Market } from '../market/market.ts';
import type { AgentStanding } from '../market/report.ts';
import type { Settings } from '../settings/read.ts';
import { describeAgents } from './agent-info.ts';
import { briefOf } from './brief.ts';
import { isOfFloor } from './commands.ts';
import { createFollowing } from './following.ts';
import { type Leading, startLeading } from './leading.ts';
import type { MarketStore } from './market-store.ts';
import type { OpenedMarket } from './open-market.ts';
import { describePositions } from './positions.ts';
import { lastTold } from './told.ts';

export interface FloorOptions {
  readonly hub: Hub;
  readonly board: MessageBoard;
  readonly store: MarketStore;
  /** Writes what agents say by themselves. */
  readonly phrasing: Phrasing;
  /** Takes part in who leads. */
  lease(holding: LeaseHolding): Promise<Lease>;
  readonly settings: Settings;
  readonly log: Log;
}

export interface Floor {
  /** What every agent knows now. */
  brief(count: number): Promise<readonly Briefing[]>;
  /** The state of the market for a first paint. */
  overview(): Promise<MarketAnswer>;
  /** How far the market has come. */
  clock(): Promise<{ readonly tick: number; readonly time: string }>;
  /** What is wrong with the market, or null while it ticks as it should. */
  problem(): Promise<string | null>;
  /** Stops beating and talking, and keeps the market. Idempotent. */
  close(): Promise<void>;
}

/** So many ticks may be missing before the market counts as stalled. */
const STALLED_TICKS = 5;
/** A node that takes over begins within this, ms. */
const TAKEOVER_MS = 10_000;

export async function startFloor(options: FloorOptions): Promise<Floor> {
  const { hub, store, settings, log } = options;
  let leading: Leading | null = null;
  const following = createFollowing({ hub, store });
  const lease = await options.lease({
    async hold(fence, isSure) {
      const mine = await startLeading({ ...options, fence, isSure });
      leading = mine;
      log.info({ fence, tick: mine.opened.market.clock().tick }, 'this node leads the market');
      return async (isLost) => {
        leading = null;
        if (isLost) log.warn({ fence }, 'this node leads the market no longer');
        await mine.stop(isLost);
      };
    },
    onError: (err) => log.error({ err }, 'the lease of the market failed'),
  });

  async function current(): Promise<Omit<OpenedMarket, 'played'>> {
    return leading?.opened ?? (await following.current());
  }

  return {
    async brief(count) {
      const { market } = await current();
      return standingsOfFloor(market).map((standing) => briefOf(market, standing, count));
    },
    async overview() {
      const { market, overview } = await current();
      const standings = standingsOfFloor(market);
      return {
        agents: describeAgents(standings),
        instruments: market.instruments.map(({ symbol, name }) => ({ symbol, name })),
        positions: standings.flatMap((one) => describePositions(one, market.quotes())),
        ...overview.state(),
        tickMs: settings.MARKET_TICK_MS,
        ticksPerDay: market.ticksPerDay,
      };
    },
    async clock() {
      const { tick, time } = (await current()).market.clock();
      return { tick, time };
    },
    async problem() {
      const silentMs =
        leading === null
          ? Date.now() - ((await lastTold(hub)).at ?? 0)
          : performance.now() - leading.lastBeatAt();
      const allowedMs = STALLED_TICKS * settings.MARKET_TICK_MS + TAKEOVER_MS;
      return silentMs > allowedMs ? `no tick for ${Math.round(silentMs / 1_000)} s` : null;
    },
    close: () => lease.release(),
  };
}

function standingsOfFloor(market: Market): AgentStanding[] {
  return market.standings().filter(({ agentId }) => isOfFloor(agentId));
}
