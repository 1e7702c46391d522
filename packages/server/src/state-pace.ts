// Pace of a channel that delivers states: the newest state goes out at most once in `everyMs`, and at last. Pure timing
// over the wheel; what is sent is the topic’s business. Rules: SUB-5a.

import type { Timers } from './seams/timers.ts';

export interface StatePace {
  /** The state moved: sends now if the last time is long enough ago, else when it is. */
  moved(): void;
  /** Nothing moves any more: what waits for the end of a pause goes out now. */
  finish(): void;
  stop(): void;
}

/** @param onCoalesced a state that was to be sent gives way to a newer one */
export function createStatePace(
  everyMs: number,
  timers: Timers,
  send: () => void,
  onCoalesced: () => void = () => undefined,
): StatePace {
  let cancel: (() => void) | null = null;
  let isDirty = false;

  function sendNow(): void {
    isDirty = false;
    // The pause after a sending is what keeps the pace; what moves in it goes out at its end.
    cancel = timers.after(everyMs, () => {
      cancel = null;
      if (isDirty) sendNow();
    });
    send();
  }

  return {
    moved() {
      if (cancel === null) {
        sendNow();
        return;
      }
      if (isDirty) onCoalesced();
      isDirty = true;
    },
    finish() {
      if (!isDirty) return;
      cancel?.();
      sendNow();
    },
    stop() {
      cancel?.();
      cancel = null;
    },
  };
}
