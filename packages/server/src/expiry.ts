// The end of a link's identity, by the wall clock. Looked at once a minute at least, so that a machine that slept, or a
// clock that was set, does not let a link live on. Rules: AUTH-3.

import type { Identity } from './hub-types.ts';
import { isExpired } from './identity.ts';
import type { Timers } from './seams/timers.ts';

const LONGEST_WAIT_MS = 60_000;

/** Calls `onExpired` when the identity's time is over. Returns what ends the watch; null for one that has no end. */
export function watchExpiry(
  identity: Identity | null,
  timers: Timers,
  onExpired: () => void,
): (() => void) | null {
  const expiresAt = identity?.expiresAt;
  if (expiresAt === undefined) return null;
  let cancel: () => void = () => undefined;

  function wait(): void {
    if (isExpired(identity)) {
      onExpired();
      return;
    }
    const leftMs = (expiresAt ?? 0) - Date.now();
    cancel = timers.after(Math.min(leftMs, LONGEST_WAIT_MS), wait);
  }

  wait();
  return () => cancel();
}
