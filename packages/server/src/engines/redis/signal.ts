// Many wait for one thing to happen, each until its own time.

export interface Signal {
  /** Resolves at the next `fire`, or at `untilMs` by `performance.now()`. */
  wait(untilMs: number): Promise<void>;
  fire(): void;
}

export function createSignal(): Signal {
  const waiting = new Set<() => void>();
  return {
    wait: (untilMs) =>
      new Promise((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, Math.max(0, untilMs - performance.now()));
        waiting.add(done);
      }),
    fire() {
      for (const done of [...waiting]) done();
    },
  };
}
