// A clock that moves only when told to, for tests: the parts of an environment that have to do with time.

import type { Environment } from '../environment.ts';

export interface ManualClock extends Pick<Environment, 'now' | 'setTimer'> {
  /** Moves on, running the timers that come due in their order, and lets promises settle in between. */
  advance(ms: number): Promise<void>;
}

export function createManualClock(startAt = 1_000_000): ManualClock {
  let now = startAt;
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
  return {
    now: () => now,
    setTimer(callback, ms) {
      const timer = { at: now + Math.max(0, ms), callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        now = Math.max(now, next.at);
        next.callback();
        await settle();
      }
      now = end;
    },
  };
}
