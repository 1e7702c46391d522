// What runs' own channels are told: each run about once a second, a new one at once, one that ends for the last time.

import { expect, test } from 'vitest';
import { SILENT_LOG } from '../log.ts';
import { dollars } from '../market/money.ts';
import { type AssignedCommand, playTick } from './commands.ts';
import { createFigureTeller } from './figures.ts';
import { openMarket } from './open-market.ts';

const command = (tick: number, kind: 'add-agent' | 'close-agent'): AssignedCommand => ({
  tick,
  command:
    kind === 'add-agent'
      ? { kind, agentId: 'run-1', strategy: 'hold', cash: dollars(5_000), rules: [] }
      : { kind, agentId: 'run-1' },
});

test('every run once a second, and what begins or ends at once', async () => {
  const setup = { seed: 'figures', ticksPerDay: 60 };
  const options = { setup, toldTick: 0, warmUpTicks: 0, log: SILENT_LOG };
  const { market } = openMarket(null, options);
  let clock = 0;
  const ended: string[] = [];
  const errors: unknown[] = [];
  const teller = createFigureTeller({
    market,
    runOf: new Map([['gemini_grid', 'floor-run']]),
    hub: {
      end(channel: { readonly name: string }): Promise<never> {
        ended.push(channel.name);
        return Promise.reject(new Error('no log today'));
      },
    },
    onError: (error) => errors.push(error),
    now: () => clock,
  });
  const commands = [command(3, 'add-agent'), command(8, 'close-agent')];
  const told: string[] = [];
  for (let tick = 1; tick <= 9; tick += 1) {
    const played = playTick(market, commands);
    for (const { channel, key } of teller.items(played))
      told.push(`${tick} ${channel.name} ${key}`);
    await teller.end(played);
    clock += 250;
  }
  expect(told).toEqual([
    '1 run_figures:floor-run running-1',
    '3 run_figures:run-1 running-3',
    ...['5 run_figures:floor-run running-5', '5 run_figures:run-1 running-5'],
    '8 run_figures:run-1 completed-7',
    '9 run_figures:floor-run running-9',
  ]);
  expect(ended).toEqual(['run_figures:run-1']);
  // The market goes on all the same.
  expect(errors).toMatchObject([{ message: 'no log today' }]);
});
