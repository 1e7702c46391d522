// How fast somebody may publish: a bucket of twice the rate for each identity, link or address. A request larger than
// the bucket passes when that is full and is paid off afterwards. Rules: LIM-5.

import { MillraceError } from '@millrace/protocol';
import type { Timers } from './seams/timers.ts';

export interface PublishRate {
  /** Null when `count` events may be published now, else `limit/publishes` with `retryAfterMs`. */
  refusal(key: string, count: number): MillraceError | null;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

const SWEEP_MS = 10_000;

export function createPublishRate(perSecond: number, timers: Timers): PublishRate {
  const size = perSecond * 2;
  const buckets = new Map<string, Bucket>();
  sweepLater();

  function refill(bucket: Bucket): void {
    const now = performance.now();
    bucket.tokens = Math.min(size, bucket.tokens + ((now - bucket.filledAt) / 1_000) * perSecond);
    bucket.filledAt = now;
  }

  /** A full bucket says nothing that a missing one would not. */
  function sweepLater(): void {
    timers.after(SWEEP_MS, () => {
      for (const [key, bucket] of buckets) {
        refill(bucket);
        if (bucket.tokens >= size) buckets.delete(key);
      }
      sweepLater();
    });
  }

  return {
    refusal(key, count) {
      const bucket = buckets.get(key) ?? { tokens: size, filledAt: performance.now() };
      buckets.set(key, bucket);
      refill(bucket);
      const needed = Math.min(count, size);
      if (bucket.tokens >= needed) {
        bucket.tokens -= count;
        return null;
      }
      const retryAfterMs = Math.ceil(((needed - bucket.tokens) / perSecond) * 1_000);
      return new MillraceError(
        'limit/publishes',
        `More than ${perSecond} events a second. Wait ${retryAfterMs} ms.`,
        { details: { retryAfterMs } },
      );
    },
  };
}
