// The simulation of reconnect storms: it can be repeated, and the promise of a storm holds in it.

import { expect, test } from 'vitest';
import { createEventQueue } from './event-queue.ts';
import { type StormOptions, simulateStorm } from './storm.ts';

const storm = (over: Partial<StormOptions>) =>
  simulateStorm({
    seed: 1,
    clients: 10_000,
    nodes: 2,
    killed: 1,
    restartMs: 1_000,
    noticed: 'at-once',
    connectCpuMs: 0.19,
    roundTripMs: [10, 250],
    ...over,
  });

test('events come in the order of their times, and of their adding', () => {
  const queue = createEventQueue<number>();
  const times = Array.from({ length: 500 }, (_, n) => (n * 7_919) % 97);
  for (const [index, at] of times.entries()) queue.add(at, index);
  const taken = times.map(() => queue.take());
  const wanted = times.map((at, event) => ({ at, event })).sort((a, b) => a.at - b.at);
  expect(taken).toEqual(wanted);
  expect(queue.take()).toBeUndefined();
});

test('one seed, one storm', () => {
  expect(storm({ seed: 7 })).toEqual(storm({ seed: 7 }));
  expect(storm({ seed: 8 })).not.toEqual(storm({ seed: 7 }));
});

test('LIM-7: five thousand who are dropped at once are back on the other node within 8 s', () => {
  const { dropped, backMs, maxLateMs } = storm({});
  expect(dropped).toBe(5_000);
  expect(backMs.all).toBeLessThanOrEqual(8_000);
  expect(maxLateMs).toBeLessThanOrEqual(250);
});

test('LIM-7: a node that starts again under twenty thousand is never later than its limit', () => {
  const { backMs, maxLateMs, refused } = storm({ clients: 20_000, nodes: 1 });
  expect(refused).toBeGreaterThan(0);
  expect(maxLateMs).toBeLessThan(260);
  expect(backMs.all).toBeLessThan(30_000);
});
