// Sessions of guests whose link has ended and that stay for a while yet, by address: no more of them than the address may
// have links, since a guest is made up with a word, and would stay for longer than it took. Rules: PRES-4, PRES-8.

import type { Timers } from '../seams/timers.ts';

export interface Lingering {
  /** False: so many of the address linger that this one must go at once. @param key the session's public id */
  take(address: string, key: string, forMs: number): boolean;
  /** It is back. */
  give(address: string, key: string): void;
}

export function createLingering(maxPerAddress: number, timers: Timers): Lingering {
  const byAddress = new Map<string, Map<string, () => void>>();

  function give(address: string, key: string): void {
    const sessions = byAddress.get(address);
    sessions?.get(key)?.();
    sessions?.delete(key);
    if (sessions?.size === 0) byAddress.delete(address);
  }

  return {
    take(address, key, forMs) {
      const sessions = byAddress.get(address) ?? new Map<string, () => void>();
      const cancel = sessions.get(key);
      if (cancel === undefined && sessions.size >= maxPerAddress) return false;
      cancel?.();
      byAddress.set(address, sessions);
      sessions.set(
        key,
        timers.after(forMs, () => give(address, key)),
      );
      return true;
    },
    give,
  };
}
