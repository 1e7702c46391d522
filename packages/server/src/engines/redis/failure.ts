// What a failed call means: whether it was done, whether trying again can help, and what its caller is told.
// Rule: LOG-16.

import { MillraceError, toMillraceError } from '@millrace/protocol';

/**
 * `not-done`: surely without effect, and it may pass. `unknown`: nobody can tell whether it was done. `refused`: the
 * server said no to this very call, and will again.
 */
export type Failure = 'not-done' | 'unknown' | 'refused';

/** What a server says that is loading, full, a replica, without its replicas, or not the one that has the slot. */
const PASSING =
  /^(?:LOADING|BUSY|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS|MISCONF|OOM|NOAUTH|Too many Cluster redirections)\b/;
/** ioredis refuses what it cannot write at once, since it must keep no queue: it has not left this process. */
const UNSENT = /enableOfflineQueue options is false/;
/** It is no master, or will not take writes: another connection may find the one that does. */
const MISPLACED = /^(?:READONLY|MASTERDOWN)\b/;

export function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return 'unknown';
  if (PASSING.test(thrown.message) || UNSENT.test(thrown.message)) return 'not-done';
  return thrown.name === 'ReplyError' ? 'refused' : 'unknown';
}

/** Whether the connection is to blame, and should be made again. */
export function isConnectionStale(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return MISPLACED.test(thrown.message) || thrown === NO_ANSWER;
}

export function isMoved(thrown: unknown): boolean {
  return thrown instanceof Error && /^MOVED\b/.test(thrown.message);
}

/** What a call that was not answered in time fails with. */
export const NO_ANSWER: Error = new Error('No answer came in time.');

export function toEngineError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  return failureOf(thrown) === 'refused' ? refused(thrown) : unavailable(thrown);
}

export function refused(cause: unknown): MillraceError {
  return toMillraceError(withoutCommand(cause));
}

/**
 * ioredis hangs the command on its errors: the password of an AUTH, the events of an append. Neither belongs into
 * anybody's log.
 */
function withoutCommand(cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof MillraceError || cause === NO_ANSWER) {
    return cause;
  }
  const { name, message, stack } = cause;
  return Object.assign(new Error(message), { name, stack });
}

export function unavailable(cause?: unknown): MillraceError {
  const options = cause === undefined ? {} : { cause: withoutCommand(cause) };
  return new MillraceError('engine/unavailable', 'Redis did not answer. Try again.', options);
}

/** Whether an append that failed with this may have been done all the same, or be done yet. */
export function mayBeDone(thrown: unknown): boolean {
  if (!(thrown instanceof MillraceError)) return true;
  // Without a cause it never left this process.
  return thrown.cause !== undefined && failureOf(thrown.cause) === 'unknown';
}
