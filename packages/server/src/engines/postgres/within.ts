// How long anybody waits for a database. Rule: LOG-16.

import { bounded } from '../bounded.ts';
import { unavailable } from './engine-error.ts';

/** `late` gets what comes after all, so that it can be given back. */
export function within<Result>(
  ms: number,
  work: Promise<Result>,
  late: (result: Result) => void = () => undefined,
): Promise<Result> {
  const expired = (): Error =>
    unavailable(`The database did not answer within ${Math.round(ms)} ms. Try again.`);
  return bounded(work, { ms, expired, late });
}
