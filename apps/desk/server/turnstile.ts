// Heavy work that is asked for from outside: a few at a time, the rest is told to come back rather than kept waiting.

import { MillraceError } from '@millrace/protocol';

export type Turnstile = <Result>(work: () => Promise<Result>) => Promise<Result>;

const RETRY_AFTER_MS = 3_000;

/** What comes when `most` are at work rejects with `server/overloaded`. */
export function createTurnstile(most: number): Turnstile {
  let inside = 0;
  return async (work) => {
    if (inside >= most) {
      const message = 'As many imports as may be at once are under way. Try again in a moment.';
      throw new MillraceError('server/overloaded', message, {
        details: { retryAfterMs: RETRY_AFTER_MS },
      });
    }
    inside += 1;
    try {
      return await work();
    } finally {
      inside -= 1;
    }
  };
}
