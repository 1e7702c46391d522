// How long to wait before the next attempt: full jitter, so that clients which were dropped together do not
// come back together. Rules: CLI-6, CLI-11, LINK-8.

import type { MillraceError } from '@millrace/protocol';

const BASE_MS = 500;
const CAP_MS = 20_000;
const SLOW_MS = 5_000;

/** A link that stood for so long makes the next failure a first one. */
export const STABLE_MS = 10_000;

/** @param jitter evenly drawn from 0 (inclusive) to 1 (exclusive), once per attempt */
export function backoffMs(attempt: number, jitter: number, error: MillraceError): number {
  const retryAfterMs = error.details?.['retryAfterMs'];
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) {
    // Spread over half as long again: everybody was told the same number.
    return spreadMs(retryAfterMs, Math.max(1_000, retryAfterMs / 2), jitter);
  }
  const isSlow = error.policy === 'retry-slowly';
  const base = isSlow ? SLOW_MS : BASE_MS;
  const randomMs = jitter * Math.min(CAP_MS, base * 2 ** Math.min(attempt, 16));
  return isSlow ? SLOW_MS + randomMs : randomMs;
}

export function spreadMs(afterMs: number, windowMs: number, jitter: number): number {
  return afterMs + jitter * windowMs;
}
