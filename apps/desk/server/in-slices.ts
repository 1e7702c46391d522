// Long work on the thread that answers everybody: for a few milliseconds at a time, and everybody else's turn in between.

export interface SliceOptions {
  /** A slice ends after this, ms; one step can make it longer. Default 10. */
  readonly sliceMs?: number;
  readonly now?: () => number;
}

/** Drives the steps to their result; rejects with what one throws. */
export async function inSlices<Result>(
  steps: Generator<void, Result>,
  { sliceMs = 10, now = () => performance.now() }: SliceOptions = {},
): Promise<Result> {
  for (;;) {
    const endsAt = now() + sliceMs;
    do {
      const step = steps.next();
      if (step.done === true) return step.value;
    } while (now() < endsAt);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
