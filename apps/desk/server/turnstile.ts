// Heavy work that is asked for from outside: a few at a time, the rest is told to come back rather than kept waiting.

import { MillraceError } from '@millrace/protocol';

export interface TurnstileOptions {
  /** At work at a time. */
  readonly most: number;
  /** Of one user. Default `most`. */
  readonly mostOfOne?: number;
  /** What it is, in the plural: for who is sent away. */
  readonly what: string;
}

export type Turnstile = <Result>(userId: string, work: () => Promise<Result>) => Promise<Result>;

const RETRY_AFTER_MS = 3_000;

/** What comes when as many as may are at work rejects with `server/overloaded`. */
export function createTurnstile({ most, mostOfOne = most, what }: TurnstileOptions): Turnstile {
  const inside: string[] = [];
  return async (userId, work) => {
    const own = inside.filter((one) => one === userId).length;
    if (inside.length >= most || own >= mostOfOne) {
      const message = `As many ${what} as may be at once are under way. Try again in a moment.`;
      throw new MillraceError('server/overloaded', message, {
        details: { retryAfterMs: RETRY_AFTER_MS },
      });
    }
    inside.push(userId);
    try {
      return await work();
    } finally {
      inside.splice(inside.indexOf(userId), 1);
    }
  };
}
