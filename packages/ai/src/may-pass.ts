// Whether a failure may pass by itself: what a database refuses for good (bad data, a broken constraint, no such table)
// will be refused again; everything else is tried once more.

import { MillraceError } from '@millrace/protocol';

export function mayPass(error: unknown): boolean {
  if (error instanceof MillraceError) return error.retryable;
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error && error.code;
  return typeof code !== 'string' || !/^(?:0A|22|23|42)[0-9A-Z]{3}$/.test(code);
}
