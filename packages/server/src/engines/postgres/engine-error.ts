// What a database's error means to a caller of the engine: whether trying again can help.

import { MillraceError, toMillraceError } from '@millrace/protocol';

/** Connection lost, rolled back in favour of another, out of resources, shutting down: SQLSTATE classes. */
const PASSING = /^(?:08|40|53|57)/;
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Without a SQLSTATE the database was not reached at all; with one that will not pass, it is a defect. */
export function toEngineError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  const code = sqlState(thrown);
  if (code !== null && !PASSING.test(code)) return toMillraceError(thrown);
  return new MillraceError('engine/unavailable', 'The database did not answer. Try again.', {
    cause: thrown,
  });
}

function sqlState(thrown: unknown): string | null {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return null;
  return typeof thrown.code === 'string' && SQLSTATE.test(thrown.code) ? thrown.code : null;
}
