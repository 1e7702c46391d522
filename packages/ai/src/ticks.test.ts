// Moments that runs share, on a clock that the test moves.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTicks } from './ticks.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('RUN-4: all who wait go on in one turn, once, and at most so long after they began to wait', () => {
  const ticks = createTicks(30);
  const told: string[] = [];
  const tell = (name: string) => () => told.push(`${name} at ${performance.now() % 30 < 2}`);
  const waits = [0, 11, 19].map((afterMs) => {
    vi.advanceTimersByTime(afterMs === 0 ? 0 : 10);
    return ticks.next(tell(`after ${afterMs}`));
  });
  expect(told).toEqual([]);
  waits[1]?.();
  vi.advanceTimersByTime(31);
  expect(told).toEqual(['after 0 at true', 'after 19 at true']);
  vi.advanceTimersByTime(100);
  expect(told).toHaveLength(2);
  ticks.next(tell('again'));
  vi.advanceTimersByTime(31);
  expect(told).toHaveLength(3);
});
