// Tells whoever relays that rows are on their way: at once, and before their commit, which nobody but the application
// knows. One word at a time, however many transactions write meanwhile. Rule: OUT-12.

import { type MillraceError, toMillraceError } from '@millrace/protocol';

export interface TellerOptions {
  /** Wakes the relay of this hub; false where another one relays. */
  readonly ring: () => boolean;
  /** Wakes that of another. On a database with one connection it waits until the transaction is over. */
  readonly tell: () => Promise<void>;
  readonly onError: (error: MillraceError) => void;
}

/** Called after each writing of rows. Never throws, and is not waited for: a transaction must not wait for another statement. */
export function createTeller({ ring, tell, onError }: TellerOptions): () => void {
  let isTelling = false;
  let isNews = false;

  async function run(): Promise<void> {
    isTelling = true;
    while (isNews) {
      isNews = false;
      try {
        await tell();
      } catch (thrown) {
        // Its looks find the rows.
        onError(toMillraceError(thrown));
      }
    }
    isTelling = false;
  }

  return () => {
    if (ring()) return;
    isNews = true;
    if (!isTelling) void run();
  };
}
