// Something that must have succeeded once before anything else, begun at once and again by whoever needs it after a
// failure: the schema, listening. Never two attempts at once.

export interface Attempts {
  /** Resolves once it has succeeded; begins the next attempt where the last one failed. */
  ready(): Promise<void>;
  /** The attempt that runs or ran, without beginning another. */
  started(): Promise<void>;
  /** It no longer holds: the next attempt begins now. */
  undone(): void;
}

export function createAttempts(begin: () => Promise<void>): Attempts {
  let isRunning = false;
  let attempt = start();

  function start(): Promise<void> {
    isRunning = true;
    const next = begin().finally(() => {
      isRunning = false;
    });
    // Told by the next call; nobody may be waiting now.
    next.catch(() => undefined);
    return next;
  }

  return {
    async ready() {
      const current = attempt;
      try {
        await current;
      } catch {
        // It failed for everybody who waited for it: the first of them begins the next.
        if (attempt === current) attempt = start();
        await attempt;
      }
    },
    started: () => attempt,
    undone() {
      if (!isRunning) attempt = start();
    },
  };
}
