// The one way in which the market refuses a wrong call: an error of the product, thrown at the call.
// Refuses to own: refused orders, which are ordinary outcomes and travel as values.
import { MillraceError } from '@millrace/protocol';

/** A `request/invalid` error; `message` says what is wrong, then what to do. */
export function misuse(message: string): MillraceError {
  return new MillraceError('request/invalid', message);
}
