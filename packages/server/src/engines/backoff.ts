// How long to wait before something out of reach is tried again: full jitter above a floor, so that neither one node
// spins nor many come back in the same moment. Rule: LOG-16.

/** However often it failed, never sooner, ms. */
const LEAST_MS = 100;

/** @param failures in a row, 1 or more; @param random in [0, 1) */
export function backoffMs(failures: number, mostMs: number, random: number): number {
  const spread = Math.min(mostMs - LEAST_MS, LEAST_MS * 2 ** Math.min(failures, 20));
  return LEAST_MS + random * Math.max(0, spread);
}
