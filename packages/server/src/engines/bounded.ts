// Bounded waiting: nobody waits for a server longer than the settings say. Rule: LOG-16.

export interface Bounds<Result> {
  readonly ms: number;
  /** What it rejects with then. */
  readonly expired: () => Error;
  /** Gets what comes after all, so that it can be given back. */
  readonly late?: (result: Result) => void;
}

export async function bounded<Result>(
  work: Promise<Result>,
  { ms, expired, late }: Bounds<Result>,
): Promise<Result> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    reject(expired());
  }, ms);
  work.then(
    (result) => {
      if (isOver) late?.(result);
    },
    // Told below, or too late to be told.
    () => undefined,
  );
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}
