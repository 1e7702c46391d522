// The end of a link's identity, by the wall clock. Looked at once a minute at least, so that a machine that slept, or a
// clock that was set, does not let a link live on. Rules: AUTH-3.

import type { Identity } from './hub-types.ts';
import { isExpired } from './identity.ts';
import type { Timers } from './seams/timers.ts';

const LONGEST_WAIT_MS = 60_000;

export interface Expiry {
  /** Watches this identity from now on, in place of an earlier one. */
  watch(identity: Identity | null): void;
  stop(): void;
}

export function createExpiry(timers: Timers, onExpired: () => void): Expiry {
  let cancel: () => void = () => undefined;

  function watch(identity: Identity | null): void {
    cancel();
    if (identity?.expiresAt === undefined) return;
    if (isExpired(identity)) {
      onExpired();
      return;
    }
    const leftMs = identity.expiresAt - Date.now();
    cancel = timers.after(Math.min(leftMs, LONGEST_WAIT_MS), () => watch(identity));
  }

  return { watch, stop: () => cancel() };
}
