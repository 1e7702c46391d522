// Times that a test holds something to.
// Owns the error by which the runner knows a test that was only slow. Knows nothing of what took the time.

/**
 * Something took longer than it may. Such a test, and no other, is run again, twice at most (`retry` in
 * vitest.config.ts): a machine that is shared stands still for a second now and then, a defect is slow every time.
 * What is lost, doubled or wrong fails at once.
 */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';

  constructor(what: string) {
    super(`too slow: ${what}`);
  }
}

/** What the runner knows the message of a `TooSlow` by. */
export const tooSlow = /^too slow: /;

/** Throws `TooSlow` if `tookMs` is above `mostMs`, or no number at all. */
export function expectWithin(tookMs: number, mostMs: number, what: string): void {
  if (tookMs <= mostMs) return;
  throw new TooSlow(`${what} took ${Math.round(tookMs)} ms, ${mostMs} at most`);
}
