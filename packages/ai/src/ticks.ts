// Moments that all runs of a node share: what waits for the next one goes on in one turn. Eighty runs whose windows each
// had a moment of their own cost a seventh more for each token (bench ai-runs).

export interface Ticks {
  /** 0: nobody waits for one. */
  readonly everyMs: number;
  /** Calls back once, at most `everyMs` from now; returns cancel. */
  next(run: () => void): () => void;
}

export function createTicks(everyMs: number): Ticks {
  let waiting = new Set<() => void>();
  let isSet = false;

  function tick(): void {
    isSet = false;
    const due = waiting;
    waiting = new Set();
    for (const run of due) run();
  }

  return {
    everyMs,
    next(run) {
      waiting.add(run);
      // Not a moment too early: a timer cuts fractions off, and there would be two ticks.
      if (!isSet) setTimeout(tick, Math.ceil(everyMs - (performance.now() % everyMs)));
      isSet = true;
      return () => waiting.delete(run);
    },
  };
}
