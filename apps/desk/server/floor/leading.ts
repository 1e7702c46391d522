// The Floor on the node that leads it: the market beats, is told and kept, and the agents talk about it.
//
//   pulse → what people asked for is assigned to the tick → market tick → channels → talk may hurry
//                                                                            → every N ticks the market is kept
//
// Refuses to own: which node leads (floor.ts).

import type { Hub, PublishManyItem } from '@millrace/server';
import { AGENTS } from '../agents/agents.ts';
import type { MessageBoard } from '../chat/message-board.ts';
import type { Phrasing } from '../chat/phrasing.ts';
import type { Log } from '../log.ts';
import type { Settings } from '../settings/read.ts';
import { briefOf } from './brief.ts';
import { type PlayedTick, playTick } from './commands.ts';
import { createFigureTeller } from './figures.ts';
import { createJournal } from './journal.ts';
import type { MarketStore } from './market-store.ts';
import { keptTick, type OpenedMarket, openMarket } from './open-market.ts';
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
/** A run that began or ended is kept that soon after the save before, ms: its owner looks at it in the database. */
const SOON_MS = 1_000;

export async function startLeading(options: LeadingOptions): Promise<Leading> {
  const { hub, store, board, settings, log, fence } = options;
  const told = await lastTold(hub);
  const kept = await store.load();
  const opened = openMarket(kept, {
    setup: { seed: settings.MARKET_SEED, ticksPerDay: settings.MARKET_TICKS_PER_DAY },
    toldTick: told.tick,
    // One at least: a market without a time cannot be kept, and it must be before the first command.
    warmUpTicks: Math.max(1, settings.MARKET_WARM_UP_TICKS),
    commands: kept === null ? [] : await store.commands(keptTick(kept)),
    log,
  });
  const { market, overview } = opened;
  const journal = createJournal(opened, store, fence);
  const tell = async (items: readonly PublishManyItem[]): Promise<void> => {
    for (const result of await hub.publishMany(items)) {
      // A run's channel that has ended: a leader before this one told its end.
      if (!('error' in result) || result.error.code === 'channel/ended') continue;
      log.error({ err: result.error }, 'a tick could not be published');
    }
  };
  const untold = opened.played.filter(({ report }) => report.tick > told.tick);
  while (untold.length > 0) {
    await tell(untold.splice(0, TOLD_AT_ONCE).flatMap(({ report }) => tickItems(report)));
  }
  // Other nodes go on from what is kept, and commands are assigned to its ticks from now on.
  if (kept === null) await journal.save();
  const figures = createFigureTeller({
    ...{ hub, market },
    runOf: await store.floorRuns(),
    onError: (err) => log.error({ err }, "a run's channel could not be ended"),
  });
  const tellEnds = async (played: PlayedTick): Promise<void> => {
    if (played.ended.length === 0) return;
    await tell(figures.lastItems(played));
    await figures.end(played);
  };
  // Whoever led before may have died between an end and telling it.
  for (const played of opened.played) await tellEnds(played);

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
  let lastSaveAt = lastBeatAt;
  let hasNews = false;
  const pulse = startPulse({
    everyMs: settings.MARKET_TICK_MS,
    async beat() {
      if (!options.isSure()) return;
      const commands = await store.assign({ tick: market.clock().tick + 1, fence });
      // What was assigned now is carried out by whoever leads then.
      if (!options.isSure()) return;
      const played = playTick(market, commands);
      const { report } = played;
      lastBeatAt = performance.now();
      overview.note(report);
      journal.note(played);
      await tell([...tickItems(report), ...figures.items(played)]);
      await figures.end(played);
      for (const { agentId } of report.fills) talk.hurry(agentId);
      hasNews ||= commands.length > 0;
      const isSoon = hasNews && lastBeatAt - lastSaveAt >= SOON_MS;
      if (!isSoon && report.tick % settings.MARKET_SAVE_TICKS !== 0) return;
      lastSaveAt = lastBeatAt;
      await journal.save();
      hasNews = false;
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
