// Long work as steps, so that whoever drives it can let others have their turn in between (in-slices.ts), or do it at once.

/** A step is about so many lines or ticks of light work: well below a millisecond or two. */
export const LINES_PER_STEP = 250;

/** Does all of it without a pause. */
export function atOnce<Result>(steps: Generator<void, Result>): Result {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
