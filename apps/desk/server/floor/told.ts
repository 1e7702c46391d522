// What the channels know of the market.

import type { Hub } from '@millrace/server';
import { marketTicks } from '../../shared/channels.ts';

export interface Told {
  /** The newest tick that the channel holds, 0 for none. */
  readonly tick: number;
  /** When it was accepted, ms since 1970; null for none. */
  readonly at: number | null;
}

export async function lastTold(hub: Pick<Hub, 'history'>): Promise<Told> {
  const { events } = await hub.history(marketTicks.of(), { last: 1 });
  const newest = events.at(-1);
  return newest === undefined
    ? { tick: 0, at: null }
    : { tick: newest.data.tick, at: Date.parse(newest.at) };
}
