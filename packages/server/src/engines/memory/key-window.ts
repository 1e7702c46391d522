// Idempotency keys of the last minutes and what their first use was answered. Rule: LOG-5.
// All live equally long, so insertion order is the order of expiry and forgetting costs nothing.

import type { Offset } from '@millrace/protocol';

export interface FirstUse {
  readonly offset: Offset;
  readonly at: string;
}

export interface KeyWindow {
  find(channel: string, key: string, now: number): FirstUse | undefined;
  add(channel: string, key: string, use: FirstUse, now: number): void;
}

export function createKeyWindow(options: {
  readonly windowMs: number;
  /** Past it the oldest keys go early: a bound on memory, far above what the rate limits let through. */
  readonly maxKeys: number;
}): KeyWindow {
  const uses = new Map<string, FirstUse & { readonly expiresAt: number }>();
  // A channel's name holds no space, so the pair cannot be read in two ways.
  const join = (channel: string, key: string): string => `${channel} ${key}`;

  function forgetOld(now: number): void {
    for (const [joined, { expiresAt }] of uses) {
      if (expiresAt > now && uses.size <= options.maxKeys) return;
      uses.delete(joined);
    }
  }

  return {
    find(channel, key, now) {
      const use = uses.get(join(channel, key));
      return use !== undefined && use.expiresAt > now ? use : undefined;
    },
    add(channel, key, use, now) {
      const joined = join(channel, key);
      // Deleted first: an expired one that is still there would keep its old place in the order.
      uses.delete(joined);
      uses.set(joined, { ...use, expiresAt: now + options.windowMs });
      forgetOld(now);
    },
  };
}
