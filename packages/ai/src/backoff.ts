// How long to wait before something is tried again: full jitter, so that what failed together does not come back together.

import { MAX_RETRY_MS, RETRY_MS } from './limits.ts';

/** @param failures in a row, so far: 1 for the first */
export function retryDelayMs(failures: number, random: () => number = Math.random): number {
  return random() * Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (failures - 1));
}
