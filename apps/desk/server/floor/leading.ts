// The Floor on the node that leads it: the market beats, is told and kept, and the agents talk about it.
//
//   pulse → market tick → channels → talk may hurry → every N ticks the market is kept
//
// Refuses to own: which node leads (floor.ts).

import type { Hub } from '@millrace/server';
import { AGENTS } from '../agents/agents.ts';
import type { MessageBoard } from '../chat/message-board.ts';
import type { Phrasing } from '../chat/phrasing.ts';
import type { Log } from '../log.ts';
import type { TickReport } from '../market/report.ts';
import type { Settings } from '../settings/read.ts';
import { briefOf } from './brief.ts';
import { createJournal } from './journal.ts';
import type { MarketStore } from './market-store.ts';
import { type OpenedMarket, openMarket } from './open-market.ts';
import { startPulse } from './pulse.ts';
import { startTalk } from './talk.ts';
import { tickItems } from './tick-events.ts';
import { lastTold } from './told.ts';

export interface LeadingOptions {
  readonly hub: Hub;
  readonly board: MessageBoard;
  readonly store: MarketStore;
  /** Of this holding: a save of an earlier one is refused. */
  readonly fence: number;
  /** Whether this node may still be the only one: asked before each beat. */
  isSure(): boolean;
  /** Writes what agents say by themselves. */
  readonly phrasing: Phrasing;
  readonly settings: Settings;
  readonly log: Log;
}

export interface Leading {
  readonly opened: OpenedMarket;
  /** When the market last beat, by `performance.now()`. */
  lastBeatAt(): number;
  /** Ends beating and talking; keeps the market unless it is somebody else's by now. */
  stop(isLost: boolean): Promise<void>;
}

/** Ticks of a warm-up that are published together: some hundred events. */
const TOLD_AT_ONCE = 50;

export async function startLeading(options: LeadingOptions): Promise<Leading> {
  const { hub, store, board, settings, log, fence } = options;
  const told = await lastTold(hub);
  const kept = await store.load();
  const opened = openMarket(kept, {
    setup: { seed: settings.MARKET_SEED, ticksPerDay: settings.MARKET_TICKS_PER_DAY },
    toldTick: told.tick,
    warmUpTicks: settings.MARKET_WARM_UP_TICKS,
    log,
  });
  const { market, overview } = opened;
  const journal = createJournal(opened, store, fence);
  const tell = async (reports: readonly TickReport[]): Promise<void> => {
    for (const result of await hub.publishMany(reports.flatMap(tickItems))) {
      if ('error' in result) log.error({ err: result.error }, 'a tick could not be published');
    }
  };
  const untold = opened.played.filter(({ tick }) => tick > told.tick);
  while (untold.length > 0) await tell(untold.splice(0, TOLD_AT_ONCE));
  // Other nodes go on from what is kept.
  if (kept === null) await journal.save();

  const talk = startTalk({
    agentIds: AGENTS.map(({ id }) => id),
    everyMs: settings.CHAT_EVERY_MS,
    board,
    phrasing: options.phrasing,
    brief(agentId, count) {
      const standing = market.standing(agentId);
      if (standing === undefined) throw new Error(`the market knows no agent ${agentId}`);
      return briefOf(market, standing, count);
    },
    onError: (err) => log.error({ err }, 'a message could not be posted'),
  });

  let lastBeatAt = performance.now();
  const pulse = startPulse({
    everyMs: settings.MARKET_TICK_MS,
    async beat() {
      if (!options.isSure()) return;
      const report = market.tick();
      lastBeatAt = performance.now();
      overview.note(report);
      journal.note(report);
      await tell([report]);
      for (const { agentId } of report.fills) talk.hurry(agentId);
      if (report.tick % settings.MARKET_SAVE_TICKS === 0) await journal.save();
    },
    onError: (err) => log.error({ err }, 'a market tick failed'),
  });

  return {
    opened,
    lastBeatAt: () => lastBeatAt,
    async stop(isLost) {
      await Promise.all([pulse.stop(), talk.stop()]);
      if (isLost) return;
      await journal.save();
      log.info({ tick: market.clock().tick }, 'market kept');
    },
  };
}
