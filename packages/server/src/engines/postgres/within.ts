// Bounded waiting: nobody waits for a database longer than the settings say. Rule: LOG-16.

import { unavailable } from './engine-error.ts';

/** `late` gets what comes after all, so that it can be given back. */
export async function within<Result>(
  ms: number,
  work: Promise<Result>,
  late: (result: Result) => void = () => undefined,
): Promise<Result> {
  const { promise: expired, reject } = Promise.withResolvers<never>();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    reject(unavailable(`The database did not answer within ${Math.round(ms)} ms. Try again.`));
  }, ms);
  work.then(
    (result) => {
      if (isOver) late(result);
    },
    // Told below, or too late to be told.
    () => undefined,
  );
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
