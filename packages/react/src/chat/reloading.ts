// Something that is loaded again and again: one load at a time, one more behind it however often that was asked for,
// and after a failure another try by itself. Owns when; refuses to know what.

import { type MillraceError, toMillraceError } from '@millrace/protocol';

const FIRST_RETRY_MS = 1_000;
const MOST_RETRY_MS = 30_000;

export interface ReloadingOptions<Value> {
  load(signal: AbortSignal): Promise<Value>;
  loaded(value: Value): void;
  /** `isFinal`: no other try comes by itself. */
  failed(error: MillraceError, isFinal: boolean): void;
}

export interface Reloading {
  /** With a reason that was given before it does nothing: what that one called for has been loaded, or is being. */
  ask(reason?: string): void;
  /** Nothing is reported any more; `ask` begins again. */
  stop(): void;
}

export function createReloading<Value>(options: ReloadingOptions<Value>): Reloading {
  const reasons = new Set<string>();
  let current: AbortController | null = null;
  let isAskedAgain = false;
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function run(): Promise<void> {
    const controller = new AbortController();
    current = controller;
    isAskedAgain = false;
    clearTimeout(timer);
    try {
      const value = await options.load(controller.signal);
      if (controller.signal.aborted) return;
      failures = 0;
      options.loaded(value);
    } catch (thrown) {
      if (controller.signal.aborted) return;
      const error = toMillraceError(thrown);
      failures += 1;
      const waitMs = Math.min(MOST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
      if (error.retryable) timer = setTimeout(() => void run(), waitMs * (0.5 + Math.random() / 2));
      options.failed(error, !error.retryable);
    } finally {
      if (current === controller) current = null;
    }
    if (isAskedAgain) await run();
  }

  return {
    ask(reason) {
      if (reason !== undefined && reasons.has(reason)) return;
      if (reason !== undefined) reasons.add(reason);
      if (current === null) void run();
      else isAskedAgain = true;
    },
    stop() {
      current?.abort();
      current = null;
      isAskedAgain = false;
      failures = 0;
      reasons.clear();
      clearTimeout(timer);
    },
  };
}
