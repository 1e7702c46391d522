// What conformance cases need of a test runner, without one: assertions that say what was expected, and waiting
// on a condition with a deadline.

import { isDeepStrictEqual } from 'node:util';
import { type ErrorCode, MillraceError } from '@millrace/protocol';

/** A case did not hold. */
export function fail(message: string): never {
  throw new Error(message);
}

export function assert(condition: boolean, expectation: string): asserts condition {
  if (!condition) fail(`Expected that ${expectation}.`);
}

export function assertEqual<Value>(actual: Value, expected: Value, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  fail(`Expected ${what} to be ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}.`);
}

/** That this rejects (or throws) with this code. */
export async function assertRejects(
  work: () => unknown,
  code: ErrorCode,
  what: string,
): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof MillraceError && thrown.code === code) return;
    throw new Error(`Expected ${what} to be refused with ${code}; it was with another error.`, {
      cause: thrown,
    });
  }
  fail(`Expected ${what} to be refused with ${code}; it was accepted.`);
}

/** Waits for a condition; at the deadline the case fails. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  expectation: string,
  withinMs = 5_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) fail(`Expected within ${withinMs} ms that ${expectation}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
