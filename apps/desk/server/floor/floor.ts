// The Floor: the market that runs, tells and is kept, and the agents who talk about it.
//
//   pulse → market tick → channels → talk may hurry → every N ticks the market is kept
//
// Owns the order of these, and stopping: the last beat ends, the market is kept, then it is over.

import type { Hub } from '@millrace/server';
import type { MarketAnswer } from '../../shared/api.ts';
import { marketTicks } from '../../shared/channels.ts';
import { AGENTS } from '../agents/agents.ts';
import type { MessageBoard } from '../chat/message-board.ts';
import type { Briefing, Phrasing } from '../chat/phrasing.ts';
import type { Log } from '../log.ts';
import type { AgentStanding, TickReport } from '../market/report.ts';
import type { Settings } from '../settings/read.ts';
import { describeAgents } from './agent-info.ts';
import { createJournal } from './journal.ts';
import type { MarketStore } from './market-store.ts';
import { openMarket } from './open-market.ts';
import { describePositions } from './positions.ts';
import { startPulse } from './pulse.ts';
import { startTalk } from './talk.ts';
import { tickItems } from './tick-events.ts';

export interface FloorOptions {
  readonly hub: Hub;
  readonly board: MessageBoard;
  readonly store: MarketStore;
  /** Writes what agents say by themselves. */
  readonly phrasing: Phrasing;
  readonly settings: Settings;
  readonly log: Log;
}

export interface Floor {
  /** What every agent knows now. */
  brief(count: number): readonly Briefing[];
  /** The state of the market for a first paint. */
  overview(): MarketAnswer;
  /** What is wrong with the market, or null while it ticks as it should. */
  problem(): string | null;
  /** Stops beating and talking, and keeps the market. Idempotent. */
  close(): Promise<void>;
}

/** So many ticks may be missing before the market counts as stalled. */
const STALLED_TICKS = 5;
/** Ticks of a warm-up that are published together: some hundred events. */
const TOLD_AT_ONCE = 50;

export async function startFloor(options: FloorOptions): Promise<Floor> {
  const { hub, store, board, settings, log } = options;
  const toldTick = await lastToldTick(hub);
  const opened = openMarket(await store.load(), {
    setup: { seed: settings.MARKET_SEED, ticksPerDay: settings.MARKET_TICKS_PER_DAY },
    toldTick,
    warmUpTicks: settings.MARKET_WARM_UP_TICKS,
    log,
  });
  const { market, overview } = opened;
  const journal = createJournal(opened, store);
  const tell = async (reports: readonly TickReport[]): Promise<void> => {
    for (const result of await hub.publishMany(reports.flatMap(tickItems))) {
      if ('error' in result) log.error({ err: result.error }, 'a tick could not be published');
    }
  };
  const untold = opened.played.filter(({ tick }) => tick > toldTick);
  while (untold.length > 0) await tell(untold.splice(0, TOLD_AT_ONCE));

  const briefOf = (standing: AgentStanding, count: number): Briefing => {
    const { agentId } = standing;
    const name = AGENTS.find(({ id }) => id === agentId)?.name ?? agentId;
    return { agentId, name, count, standing, quotes: market.quotes(), time: market.clock().time };
  };

  const talk = startTalk({
    agentIds: AGENTS.map(({ id }) => id),
    everyMs: settings.CHAT_EVERY_MS,
    board,
    phrasing: options.phrasing,
    brief(agentId, count) {
      const standing = market.standing(agentId);
      if (standing === undefined) throw new Error(`the market knows no agent ${agentId}`);
      return briefOf(standing, count);
    },
    onError: (err) => log.error({ err }, 'a message could not be posted'),
  });

  let lastBeatAt = performance.now();
  const pulse = startPulse({
    everyMs: settings.MARKET_TICK_MS,
    async beat() {
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

  const close = async (): Promise<void> => {
    await Promise.all([pulse.stop(), talk.stop()]);
    await journal.save();
    log.info({ tick: market.clock().tick }, 'market kept');
  };
  let closing: Promise<void> | null = null;

  return {
    brief: (count) => market.standings().map((standing) => briefOf(standing, count)),
    overview() {
      const standings = market.standings();
      return {
        agents: describeAgents(standings),
        instruments: market.instruments.map(({ symbol, name }) => ({ symbol, name })),
        positions: standings.flatMap((one) => describePositions(one, market.quotes())),
        ...overview.state(),
        tickMs: settings.MARKET_TICK_MS,
        ticksPerDay: market.ticksPerDay,
      };
    },
    problem() {
      const silentMs = performance.now() - lastBeatAt;
      const allowedMs = STALLED_TICKS * settings.MARKET_TICK_MS + 5_000;
      return silentMs > allowedMs ? `no tick for ${Math.round(silentMs / 1_000)} s` : null;
    },
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** The newest tick that the channel holds, 0 for none. */
async function lastToldTick(hub: Hub): Promise<number> {
  const { events } = await hub.history(marketTicks.of(), { last: 1 });
  return events.at(-1)?.data.tick ?? 0;
}
