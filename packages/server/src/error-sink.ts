// The one way to `onError`: the same failure is told once in a while, however many channels or links run into it, and a
// sink that throws itself harms nobody.

import { MillraceError, toMillraceError } from '@millrace/protocol';

/** How long the same failure is only counted after it was told, ms. */
const PAUSE_MS = 5_000;
/** Failures that are told apart; past it all are told anew. */
const MAX_KEPT = 1_000;

type ErrorSink = (error: MillraceError) => void;

/** Without a sink of the user's: a line on the console. */
export function createErrorSink(
  report: ErrorSink = logError,
  now: () => number = performanceNow,
): ErrorSink {
  const told = new Map<string, { readonly at: number; again: number }>();

  function tell(error: MillraceError): void {
    try {
      report(error);
    } catch (thrown) {
      logError(error);
      logError(toMillraceError(thrown));
    }
  }

  return (error) => {
    const key = `${error.code} ${error.message} ${String(error.cause)}`;
    const last = told.get(key);
    if (last !== undefined && now() - last.at < PAUSE_MS) {
      last.again += 1;
      return;
    }
    if (told.size >= MAX_KEPT) told.clear();
    told.set(key, { at: now(), again: 0 });
    tell(last === undefined || last.again === 0 ? error : repeated(error, last.again));
  };
}

function repeated(error: MillraceError, times: number): MillraceError {
  return new MillraceError(
    error.code,
    `${error.message} (${times} times more since it was last told)`,
    {
      cause: error.cause,
      details: { ...error.details, times },
    },
  );
}

function performanceNow(): number {
  return performance.now();
}

function logError(error: MillraceError): void {
  // oxlint-disable-next-line no-console -- the default sink of background failures; pass `onError` for another
  console.error(`millrace: ${error.code}: ${error.message}`, error.cause ?? '');
}
