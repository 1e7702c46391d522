// A market that was killed goes on as if it had not been: the same ticks, told once.

import { expect, test } from 'vitest';
import { SILENT_LOG } from '../log.ts';
import { keepMarket, openMarket } from './open-market.ts';

const setup = { seed: 'open-market', ticksPerDay: 60 };
const open = (kept: unknown, toldTick: number) =>
  openMarket(kept, { setup, toldTick, warmUpTicks: 0, log: SILENT_LOG });

test('from a snapshot the market plays up to the last tick that was told, and is the same market', () => {
  const first = open(null, 0);
  let kept: unknown = null;
  for (let tick = 1; tick <= 100; tick += 1) {
    first.overview.note(first.market.tick());
    if (tick === 70) kept = JSON.parse(JSON.stringify(keepMarket(first)));
  }
  const second = open(kept, 100);
  expect(second.played.map(({ report }) => report.tick)).toEqual(
    Array.from({ length: 30 }, (_, n) => 71 + n),
  );
  expect(second.overview.state()).toEqual(first.overview.state());
  expect(second.market.tick()).toEqual(first.market.tick());
});

test('a kept market goes on with its own seed and day, whatever the settings say now', () => {
  const first = open(null, 0);
  first.market.tick();
  const kept = keepMarket(first);
  const options = {
    setup: { seed: 'other', ticksPerDay: 90 },
    toldTick: 1,
    warmUpTicks: 0,
    log: SILENT_LOG,
  };
  expect(openMarket(kept, options).setup).toEqual(setup);
});

test('a snapshot of another shape is refused, not taken for a beginning', () => {
  expect(() => open({ seed: 'x' }, 0)).toThrow('expected');
});

test('a new market has its warm-up behind it, and one that was never kept has what was told', () => {
  const options = { setup, warmUpTicks: 90, log: SILENT_LOG };
  const fresh = openMarket(null, { ...options, toldTick: 0 });
  expect(fresh.played.map(({ report }) => report.tick).at(-1)).toBe(90);
  const killed = openMarket(null, { ...options, toldTick: 95 });
  expect(killed.market.clock().tick).toBe(95);
  while (fresh.market.clock().tick < 95) fresh.market.tick();
  expect(killed.market.tick()).toEqual(fresh.market.tick());
});
