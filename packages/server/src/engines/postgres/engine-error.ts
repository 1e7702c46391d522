// What a database's error means to a caller of the engine: whether trying again can help.

import { MillraceError, toMillraceError } from '@millrace/protocol';

/**
 * SQLSTATEs that pass: connection lost, rolled back in favour of another, out of resources, shutting down, a lock not
 * given in time, and a standby that was asked in place of the server it follows (25006, 55000).
 */
const PASSING = /^(?:08|40|53|57|25006|55000|55P03)/;
/** Schema, table or function is not there: taken away since they were made. */
const GONE = /^(?:3F000|42P01|42883)$/;
/** Not EPIPE and its like, which are Node's. */
const SQLSTATE = /^(?!E[A-Z]{4}$)[0-9A-Z]{5}$/;

/** Without a SQLSTATE the database was not reached at all; with one that will not pass, it is a defect. */
export function toEngineError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const code = sqlState(thrown);
  if (isSchemaGone(thrown)) {
    return new MillraceError(
      'engine/unavailable',
      "The engine's tables are gone from the database; they are made again. Try again.",
      { cause: thrown },
    );
  }
  if (code !== null && !PASSING.test(code)) return toMillraceError(thrown);
  return unavailable('The database did not answer. Try again.', thrown);
}

export function unavailable(message: string, cause?: unknown): MillraceError {
  return new MillraceError('engine/unavailable', message, cause === undefined ? {} : { cause });
}

export function isSchemaGone(thrown: unknown): boolean {
  return GONE.test(sqlState(thrown) ?? '');
}

/** The error's five characters, or null when the database did not send it. */
export function sqlState(thrown: unknown): string | null {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return null;
  return typeof thrown.code === 'string' && SQLSTATE.test(thrown.code) ? thrown.code : null;
}
