// The market on a node that does not lead it: the kept one, played up to the newest tick that was told, with the commands
// of those ticks. The market is deterministic, so that is the leader's own, and every node can answer for it. Costs
// nothing while nobody asks.

import { MillraceError } from '@millrace/protocol';
import type { Hub } from '@millrace/server';
import { type Log, SILENT_LOG } from '../log.ts';
import { playTick } from './commands.ts';
import type { MarketStore } from './market-store.ts';
import { keptTick, type OpenedMarket, openMarket } from './open-market.ts';
import { lastTold } from './told.ts';

export interface Following {
  /** @throws MillraceError `server/overloaded` before the market's first opening */
  current(): Promise<Omit<OpenedMarket, 'played'>>;
}

export interface FollowingOptions {
  readonly hub: Pick<Hub, 'history'>;
  readonly store: Pick<MarketStore, 'load' | 'commands'>;
  readonly log?: Log;
}

export function createFollowing({ hub, store, log = SILENT_LOG }: FollowingOptions): Following {
  let opened: Omit<OpenedMarket, 'played'> | null = null;
  let looking: Promise<Omit<OpenedMarket, 'played'>> | null = null;

  async function look(): Promise<Omit<OpenedMarket, 'played'>> {
    const { tick: toldTick } = await lastTold(hub);
    // Behind what it has played: another market began, or the channels lost theirs.
    if (opened === null || opened.market.clock().tick > toldTick) opened = await restore(toldTick);
    const { market, overview } = opened;
    if (market.clock().tick === toldTick) return opened;
    // Read after the tick was heard of: whatever was carried out before it is there.
    const commands = await store.commands(market.clock().tick);
    while (market.clock().tick < toldTick) overview.note(playTick(market, commands).report);
    return opened;
  }

  async function restore(toldTick: number): Promise<OpenedMarket> {
    const kept = await store.load();
    if (kept === null) {
      throw new MillraceError('server/overloaded', 'The market is about to open. Try again.');
    }
    const commands = await store.commands(keptTick(kept));
    // The setup is that of the kept market.
    const setup = { seed: '', ticksPerDay: 0 };
    return openMarket(kept, { setup, toldTick, commands, warmUpTicks: 0, log });
  }

  return {
    current() {
      // Those who ask together get the same look.
      looking ??= look().finally(() => {
        looking = null;
      });
      return looking;
    },
  };
}
