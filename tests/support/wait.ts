// Waiting in tests: on a condition with a deadline, never for a fixed time. The deadline is for what never comes, on the
// slowest machine: a time that is promised is held at the end of a test, behind all that must be right (timing.ts).
// Owns `until`, free ports and temporary folders. Knows nothing of what is waited for.

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface UntilOptions {
  /** What is awaited, as the end of "gave up waiting for …". */
  readonly label: string;
  /** What has not come by then never will, ms. Default 20000. */
  readonly deadlineMs?: number;
  /** Milliseconds between two looks. Default 10. */
  readonly everyMs?: number;
  /** Extra words for the failure message, read when it fails (process output, a log). */
  readonly details?: () => string;
  /** Subscribes to a source that calls `poke` when a look is worthwhile; returns unsubscribe. */
  readonly wake?: (poke: () => void) => () => void;
}

type Falsy = false | null | undefined | 0 | '';

/**
 * Resolves with the first truthy value of `condition`; rejects at the deadline.
 * A condition that throws counts as not yet true: its last error is the `cause` of the rejection,
 * so an assertion can be a condition.
 */
export async function until<Value>(
  condition: () => Value | Promise<Value>,
  options: UntilOptions,
): Promise<Exclude<Value, Falsy>> {
  const { label, deadlineMs = 20_000, everyMs = 10 } = options;
  const giveUpAt = performance.now() + deadlineMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await beforeDeadline(condition(), giveUpAt);
      if (isTruthy(value)) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    const left = giveUpAt - performance.now();
    if (left <= 0) break;
    await nextLook(Math.min(everyMs, left), options.wake);
  }
  const details = options.details?.() ?? '';
  throw new Error(
    `gave up waiting for ${label} after ${deadlineMs} ms${details === '' ? '' : `\n${details}`}`,
    { cause: lastError },
  );
}

/** A TCP port of 127.0.0.1 that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => {
      if (address === null || typeof address === 'string') reject(new Error('no port was given'));
      else resolve(address.port);
    });
  });
  return promise;
}

export interface TempFolder extends AsyncDisposable {
  readonly path: string;
}

/** An empty folder that is removed, with all in it, on dispose. */
export async function tempFolder(): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  return {
    path,
    // A process killed a moment ago may still be closing files in it: hence the retries.
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function isTruthy<Value>(value: Value): value is Exclude<Value, Falsy> {
  return Boolean(value);
}

async function beforeDeadline<Value>(
  value: Value | Promise<Value>,
  giveUpAt: number,
): Promise<Value> {
  if (!(value instanceof Promise)) return value;
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error('the condition itself had not settled')),
    Math.max(0, giveUpAt - performance.now()),
  );
  try {
    return await Promise.race([value, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function nextLook(waitMs: number, wake: UntilOptions['wake']): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  const unsubscribe = wake?.(resolve);
  await promise;
  clearTimeout(timer);
  unsubscribe?.();
}
