// What readers are told of a failure where an application says nothing else: words that give nothing away.

import { MillraceError } from '@millrace/protocol';

export function describeNothing(error: unknown): string {
  return error instanceof MillraceError ? error.message : 'Something went wrong. Try again.';
}
