// Who may begin a link now: so many in a second, and few while the event loop is late. Asked once for each, before it is
// anybody's: signing in is what costs. Those who are refused are spread over a window that grows with their number, so
// that they do not come back together.
// Who was here already goes first: a poll that brings its cursors, or a stream that resumes, may overdraw by a whole
// burst, for which the new ones then wait. A WebSocket tells nothing of the kind before its upgrade, and counts as new.
// Refuses to own: how many links there are (link-counts.ts). Rules: LIM-7.

import { type Limits, MillraceError } from '@millrace/protocol';
import type { LoopDelay } from './loop-delay.ts';

export type Arrival = 'new' | 'returning';

export interface Admission {
  /** Counts one more link. @throws MillraceError `server/overloaded` with `retryAfterMs` */
  enter(arrival: Arrival): void;
}

export interface AdmissionOptions {
  readonly limits: Pick<Limits, 'maxConnectsPerSecond' | 'maxLoopDelayMs'>;
  readonly loop: LoopDelay;
  readonly onRefused: () => void;
  /** ms of any clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
  /** 0 (inclusive) to 1 (exclusive). Default `Math.random`. */
  readonly random?: () => number;
}

/** What is let in of the usual rate while the loop is late: never nothing, because links need not be what keeps it. */
const LATE_SHARE: Readonly<Record<Arrival, number>> = { new: 0.1, returning: 0.5 };
/** A client adds a second of its own: refused twice, five thousand who were dropped are still back within 8 s. */
const MIN_WAIT_MS = 500;
const MIN_WINDOW_MS = 1_500;
const MAX_WINDOW_MS = 30_000;

export function createAdmission(options: AdmissionOptions): Admission {
  const { loop, onRefused, now = () => performance.now(), random = Math.random } = options;
  const { maxConnectsPerSecond: rate, maxLoopDelayMs } = options.limits;
  const burst = rate * 2;
  // With `Infinity` no level is a number, and none is below what is needed.
  const usual = createBucket(rate, burst, now);
  const late: Readonly<Record<Arrival, Bucket>> = {
    new: createBucket(rate * LATE_SHARE.new, Math.max(1, rate * LATE_SHARE.new), now),
    returning: createBucket(
      rate * LATE_SHARE.returning,
      Math.max(1, rate * LATE_SHARE.returning),
      now,
    ),
  };
  /** Those who were sent away, less those who may have come back since. */
  const away = createBucket(rate, 0, now);

  function mayEnter(arrival: Arrival): boolean {
    const needed = arrival === 'new' ? 1 : 1 - burst;
    if (usual.level() < needed) return false;
    return loop.lateMs <= maxLoopDelayMs || !(late[arrival].level() < 1);
  }

  function refusal(): MillraceError {
    away.take();
    const neededMs = (-away.level() / rate) * 1_000;
    const windowMs = Math.min(MAX_WINDOW_MS, Math.max(MIN_WINDOW_MS, neededMs));
    const retryAfterMs = Math.ceil(MIN_WAIT_MS + random() * windowMs);
    return new MillraceError(
      'server/overloaded',
      `Too many links begin at once. Come back in ${retryAfterMs} ms.`,
      { details: { retryAfterMs } },
    );
  }

  return {
    enter(arrival) {
      if (!mayEnter(arrival)) {
        onRefused();
        throw refusal();
      }
      usual.take();
      // Not below nothing: what was let in while all was well must not be held against those who come later.
      if (late[arrival].level() >= 1) late[arrival].take();
    },
  };
}

interface Bucket {
  /** As full as it is by now; below 0 where more was taken than was in it. */
  level(): number;
  take(): void;
}

function createBucket(perSecond: number, size: number, now: () => number): Bucket {
  let tokens = size;
  let filledAt = now();
  return {
    level() {
      const at = now();
      tokens = Math.min(size, tokens + ((at - filledAt) / 1_000) * perSecond);
      filledAt = at;
      return tokens;
    },
    take() {
      tokens -= 1;
    },
  };
}
