// The timing wheel under a manual clock.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWheel, type Wheel } from './wheel.ts';

let wheel: Wheel;
const errors: string[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  errors.length = 0;
  wheel = createWheel({ tickMs: 50, slots: 8, onError: (error) => errors.push(error.code) });
});
afterEach(() => {
  wheel.close();
  vi.useRealTimers();
});

test.each([0, 1, 49, 50, 51, 399, 400, 401, 5_000])(
  'LINK-6: a delay of %i ms is never short, and at most a tick long',
  (delayMs) => {
    vi.advanceTimersByTime(125);
    let at: number | null = null;
    const from = performance.now();
    wheel.after(delayMs, () => {
      at = performance.now();
    });
    vi.advanceTimersByTime(delayMs + 200);
    expect(at).not.toBeNull();
    const took = Number(at) - from;
    expect(took).toBeGreaterThanOrEqual(delayMs);
    expect(took).toBeLessThanOrEqual(delayMs + 100);
  },
);

test('a cancelled one never runs, and cancelling twice is fine', () => {
  const run = vi.fn<() => void>();
  const cancel = wheel.after(100, run);
  cancel();
  cancel();
  vi.advanceTimersByTime(1_000);
  expect(run).not.toHaveBeenCalled();
});

test('after a pause longer than a turn everything due runs, once', () => {
  const runs: number[] = [];
  for (const delayMs of [50, 300, 700, 1_500]) wheel.after(delayMs, () => runs.push(delayMs));
  vi.setSystemTime(0);
  vi.advanceTimersByTime(10_000);
  expect(runs.sort((one, other) => one - other)).toEqual([50, 300, 700, 1_500]);
});

test('one that throws harms no other', () => {
  const run = vi.fn<() => void>();
  wheel.after(50, () => {
    throw new Error('defect');
  });
  wheel.after(50, run);
  vi.advanceTimersByTime(200);
  expect(run).toHaveBeenCalledTimes(1);
  expect(errors).toEqual(['server/internal']);
});

test('nothing runs after close', () => {
  const run = vi.fn<() => void>();
  wheel.after(50, run);
  wheel.close();
  vi.advanceTimersByTime(1_000);
  expect(run).not.toHaveBeenCalled();
});
