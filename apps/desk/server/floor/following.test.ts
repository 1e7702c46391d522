// A node that follows answers with the leader's own market.

import { createHub, memoryEngine } from '@millrace/server';
import { expect, test } from 'vitest';
import { agentActivity, agentEquity, marketTicks } from '../../shared/channels.ts';
import { SILENT_LOG } from '../log.ts';
import { createFollowing } from './following.ts';
import { keepMarket, openMarket } from './open-market.ts';
import { tickItems } from './tick-events.ts';

const setup = { seed: 'following', ticksPerDay: 60 };

test('what it answers is what the leader would, between saves and after the next one', async () => {
  const engine = memoryEngine();
  const hub = createHub({ contracts: [marketTicks, agentEquity, agentActivity], engine });
  const leader = openMarket(null, { setup, toldTick: 0, warmUpTicks: 0, log: SILENT_LOG });
  let kept: unknown = null;
  let loads = 0;
  const following = createFollowing({
    hub,
    store: {
      async load() {
        loads += 1;
        return kept;
      },
      commands: async () => [],
    },
  });
  await expect(following.current()).rejects.toMatchObject({ code: 'server/overloaded' });

  const beat = async (ticks: number): Promise<void> => {
    for (let count = 0; count < ticks; count += 1) {
      const report = leader.market.tick();
      leader.overview.note(report);
      await hub.publishMany(tickItems(report));
    }
  };
  const isSame = async (): Promise<void> => {
    const { market, overview } = await following.current();
    expect(overview.state()).toEqual(leader.overview.state());
    expect(market.standings()).toEqual(leader.market.standings());
  };
  await beat(20);
  kept = JSON.parse(JSON.stringify(keepMarket(leader)));
  await isSame();
  await beat(15);
  await Promise.all([isSame(), isSame(), isSame()]);
  // Once in vain, once to begin with.
  expect(loads).toBe(2);
  await hub.close();
  await engine.close();
});

test('ticks that two nodes tell are there once', async () => {
  const engine = memoryEngine();
  const hub = createHub({ contracts: [marketTicks, agentEquity, agentActivity], engine });
  const open = () =>
    openMarket(null, { setup, toldTick: 0, warmUpTicks: 0, log: SILENT_LOG }).market;
  const [dying, next] = [open(), open()];
  for (let tick = 1; tick <= 8; tick += 1) {
    await hub.publishMany(tickItems(dying.tick()));
    // It began two ticks later, and plays what was told.
    if (tick > 2) await hub.publishMany(tickItems(next.tick()));
  }
  const { events } = await hub.history(marketTicks.of(), { last: 100 });
  expect(events.map(({ data }) => data.tick)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  await hub.close();
  await engine.close();
});
