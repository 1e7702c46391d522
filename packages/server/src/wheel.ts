// One timing wheel for every beat, expiry and slow check of a hub: one interval, whatever the number of links.
// Owns the clock of delays. A delay longer than a turn of the wheel stays in its slot and is looked at once a turn.
// Rules: LINK-6, AUTH-3.

import { type MillraceError, toMillraceError } from '@millrace/protocol';
import type { Timers } from './seams/timers.ts';

export interface Wheel extends Timers {
  /** Forgets everything; nothing runs afterwards. Idempotent. */
  close(): void;
}

export interface WheelOptions {
  /** Ms between two looks, and how late a callback may be. Default 50. */
  readonly tickMs?: number;
  /** Slots of one turn. Default 1,024: 51 s at 50 ms, so that no beat is looked at twice. */
  readonly slots?: number;
  readonly onError: (error: MillraceError) => void;
}

interface Entry {
  readonly dueTick: number;
  readonly run: () => void;
}

export function createWheel(options: WheelOptions): Wheel {
  const { tickMs = 50, slots = 1_024, onError } = options;
  const wheel = Array.from({ length: slots }, () => new Set<Entry>());
  const startedAt = performance.now();
  let turned = 0;
  // Unref: a hub alone keeps no process alive, its server does.
  const interval = setInterval(turn, tickMs).unref();

  function slotOf(tick: number): Set<Entry> {
    const slot = wheel[tick % slots];
    if (slot === undefined) throw new RangeError(`No slot for tick ${tick}`);
    return slot;
  }

  function turn(): void {
    const target = Math.floor((performance.now() - startedAt) / tickMs);
    // After a pause of more than a turn every slot is due for a look, and each once is enough.
    if (target - turned > slots) turned = target - slots;
    while (turned < target) {
      turned += 1;
      const slot = slotOf(turned);
      for (const entry of slot) {
        if (entry.dueTick > target) continue;
        slot.delete(entry);
        runSafely(entry.run);
      }
    }
  }

  function runSafely(run: () => void): void {
    try {
      run();
    } catch (thrown) {
      onError(toMillraceError(thrown));
    }
  }

  return {
    after(delayMs, run) {
      const dueAt = performance.now() - startedAt + Math.max(0, delayMs);
      const entry: Entry = { dueTick: Math.max(turned + 1, Math.ceil(dueAt / tickMs)), run };
      const slot = slotOf(entry.dueTick);
      slot.add(entry);
      return () => void slot.delete(entry);
    },
    close() {
      clearInterval(interval);
      for (const slot of wheel) slot.clear();
    },
  };
}
