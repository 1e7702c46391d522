// A loop that asks, waits and asks again until it is stopped. Owns timing only: the first ask at once,
// then the interval; after a failure sooner, with jitter, never faster than the backoff. Refuses to know what is asked.

import { type MillraceError, toMillraceError } from '@millrace/protocol';

const FIRST_RETRY_MS = 2_000;
/** An ask that takes longer is given up, so that a half-open connection cannot stop the polling. */
const ASK_WITHIN_MS = 10_000;

export interface PollingOptions {
  readonly intervalMs: number;
  ask(signal: AbortSignal): Promise<void>;
  onFailure(error: MillraceError): void;
  /** 0 ≤ n < 1. Default `Math.random`. */
  random?(): number;
}

/** Asks at once. Returns the stop: an ask under way is aborted, and nothing is reported after. */
export function startPolling(options: PollingOptions): () => void {
  const { intervalMs, random = Math.random } = options;
  let isStopped = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let current: AbortController | null = null;

  async function round(): Promise<void> {
    const controller = new AbortController();
    current = controller;
    const limit = setTimeout(() => controller.abort(), ASK_WITHIN_MS);
    try {
      await options.ask(controller.signal);
      failures = 0;
    } catch (thrown) {
      // An abort by `stop` is not a failure; the one by the time limit is.
      if (isStopped) return;
      failures += 1;
      options.onFailure(toMillraceError(thrown));
    } finally {
      clearTimeout(limit);
    }
    if (!isStopped)
      timer = setTimeout(() => void round(), nextDelayMs(failures, intervalMs, random()));
  }

  void round();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    current?.abort();
  };
}

/** The interval after a success; after the n-th failure full jitter above half a backoff, at most the interval. */
export function nextDelayMs(failures: number, intervalMs: number, random: number): number {
  if (failures === 0) return intervalMs;
  const backoffMs = Math.min(intervalMs, FIRST_RETRY_MS * 2 ** (failures - 1));
  return backoffMs * (0.5 + random / 2);
}
