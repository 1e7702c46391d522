// Waiting in conformance cases: on a condition with a deadline, never for a fixed time.

/** Resolves with the first value that is not undefined; rejects after `withinMs` with what it waited for. */
export async function waitFor<Value>(
  what: string,
  look: () => Value | undefined,
  withinMs = 15_000,
): Promise<Value> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const value = look();
    if (value !== undefined) return value;
    if (performance.now() > giveUpAt) throw new Error(`${what} did not come within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export async function waitUntil(
  what: string,
  isTrue: () => boolean,
  withinMs = 15_000,
): Promise<void> {
  await waitFor(what, () => (isTrue() ? true : undefined), withinMs);
}
