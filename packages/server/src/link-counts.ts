// How many links each address and each identity has open. Rules: LIM-4.

import { MillraceError } from '@millrace/protocol';

export interface LinkCounts {
  /** Counts one more. @throws MillraceError `limit/links` */
  take(key: string): void;
  /** Once for each `take` that did not throw. */
  give(key: string): void;
}

export function createLinkCounts(limit: number, whose: 'address' | 'identity'): LinkCounts {
  const counts = new Map<string, number>();
  return {
    take(key) {
      const count = counts.get(key) ?? 0;
      if (count >= limit) {
        throw new MillraceError(
          'limit/links',
          `There are ${count} links of this ${whose} already. Close some, or try later.`,
          { details: { limit, retryAfterMs: 5_000 } },
        );
      }
      counts.set(key, count + 1);
    },
    give(key) {
      const left = (counts.get(key) ?? 1) - 1;
      if (left > 0) counts.set(key, left);
      else counts.delete(key);
    },
  };
}
