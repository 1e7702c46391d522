// The producers of the last minutes with their last event, and idempotency keys, which are producers used once.
// All live equally long after their last event, so insertion order is the order of expiry and forgetting costs
// nothing. Rules: LOG-5, LOG-12.

import type { Offset } from '@millrace/protocol';

export interface LastEvent {
  readonly epoch: number;
  readonly sequence: number;
  readonly offset: Offset;
  readonly at: string;
}

export interface ProducerWindow {
  find(name: string, now: number): LastEvent | undefined;
  set(name: string, last: LastEvent, now: number): void;
}

export function createProducerWindow(options: {
  readonly windowMs: number;
  /** Past it the oldest go early: a bound on memory, far above what the rate limits let through. */
  readonly maxNames: number;
}): ProducerWindow {
  const kept = new Map<string, LastEvent & { readonly expiresAt: number }>();

  function forgetOld(now: number): void {
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
      forgetOld(now);
    },
  };
}
