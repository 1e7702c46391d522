// The producers of the last minutes with their last event, and idempotency keys, which are producers used once.
// All live equally long after their last event, so insertion order is the order of expiry.
// Rules: LOG-5, LOG-12.

import type { LastEvent } from '../append-check.ts';

export interface ProducerWindow {
  find(name: string, now: number): LastEvent | undefined;
  set(name: string, last: LastEvent, now: number): void;
}

export function createProducerWindow(options: {
  readonly windowMs: number;
  /** Past it, and a 64th more, the oldest go early: a bound on memory, far above what the rate limits let through. */
  readonly maxNames: number;
}): ProducerWindow {
  const kept = new Map<string, LastEvent & { readonly expiresAt: number }>();
  // Many at a time: a map walks over the places of those that were deleted at its front, hundreds of thousands of
  // them, each time somebody looks for its first.
  const sweepEvery = Math.max(1, options.maxNames >> 6);
  let added = 0;

  function forgetOld(now: number): void {
    added = 0;
    for (const [name, { expiresAt }] of kept) {
      if (expiresAt > now && kept.size <= options.maxNames) return;
      kept.delete(name);
    }
  }

  return {
    find(name, now) {
      const last = kept.get(name);
      return last !== undefined && last.expiresAt > now ? last : undefined;
    },
    set(name, last, now) {
      // Deleted first: one that is still there would keep its old place in the order.
      kept.delete(name);
      kept.set(name, { ...last, expiresAt: now + options.windowMs });
      added += 1;
      if (added >= sweepEvery) forgetOld(now);
    },
  };
}
