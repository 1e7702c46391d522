// How late the event loop is, by the wheel that the hub has anyway: a beat that is not there when it is due makes it so,
// already while the loop is busy with whatever keeps it. (`monitorEventLoopDelay` tells only when that is over, and
// runs a timer of its own fifty times a second.) Coarse: a tick of the wheel is not seen. Rules: LIM-7.

import type { Timers } from './seams/timers.ts';

export interface LoopDelay {
  readonly lateMs: number;
}

const EVERY_MS = 100;
/** The wheel may be a tick late without anything being wrong. */
const TICK_MS = 50;

/** @param now ms of any clock that never goes back */
export function createLoopDelay(
  timers: Timers,
  now: () => number = () => performance.now(),
): LoopDelay {
  let dueAt = now() + EVERY_MS + TICK_MS;
  let lastLateMs = 0;
  beatLater();

  function beatLater(): void {
    timers.after(EVERY_MS, () => {
      const at = now();
      lastLateMs = at - dueAt;
      dueAt = at + EVERY_MS + TICK_MS;
      beatLater();
    });
  }

  return {
    get lateMs() {
      return Math.max(0, lastLateMs, now() - dueAt);
    },
  };
}
