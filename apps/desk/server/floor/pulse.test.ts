// The pulse: an even grid, late beats made up for within bounds, no overlap, an orderly end.

import { expect, test, vi } from 'vitest';
import { MAX_BEHIND, startPulse } from './pulse.ts';

test('beats stand on an even grid however long the work takes, and failures do not end it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    const at: number[] = [];
    const errors: unknown[] = [];
    const begin = performance.now();
    const pulse = startPulse({
      everyMs: 100,
      async beat() {
        at.push(Math.round(performance.now() - begin));
        await new Promise((resolve) => setTimeout(resolve, 30));
        if (at.length === 2) throw new Error('one bad tick');
      },
      onError: (error) => errors.push(error),
    });
    await vi.advanceTimersByTimeAsync(550);
    await pulse.stop();
    await vi.advanceTimersByTimeAsync(500);
    expect(at).toEqual([100, 200, 300, 400, 500]);
    expect(errors).toHaveLength(1);
  } finally {
    vi.useRealTimers();
  }
});

test('a long sleep is made up for by a few beats, not by all', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  try {
    let beats = 0;
    let release: () => void = () => undefined;
    const pulse = startPulse({
      everyMs: 100,
      beat() {
        beats += 1;
        if (beats > 1) return Promise.resolve();
        return new Promise((resolve) => {
          release = resolve;
        });
      },
      onError: () => undefined,
    });
    await vi.advanceTimersByTimeAsync(100_000);
    expect(beats).toBe(1);
    release();
    await vi.advanceTimersByTimeAsync(1);
    expect(beats).toBeGreaterThan(1);
    expect(beats).toBeLessThanOrEqual(1 + MAX_BEHIND + 1);
    await pulse.stop();
  } finally {
    vi.useRealTimers();
  }
});
