// What is running on an engine, so that closing can refuse what is new and wait for what is not done. Rule: LOG-10.

import { MillraceError } from '@millrace/protocol';

export interface InFlight {
  /** @throws MillraceError `engine/closed` */
  assertOpen(): void;
  /** Runs it and counts it until it settles. Rejects with `engine/closed` instead once closed. */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Refuses from now on; resolves when everything that runs has settled. Idempotent. */
  close(): Promise<void>;
}

export function createInFlight(): InFlight {
  const running = new Set<Promise<unknown>>();
  let isClosed = false;

  function assertOpen(): void {
    if (isClosed) {
      throw new MillraceError('engine/closed', 'This engine is closed. Create a new one.');
    }
  }

  return {
    assertOpen,
    async run(work) {
      assertOpen();
      const promise = work();
      running.add(promise);
      try {
        return await promise;
      } finally {
        running.delete(promise);
      }
    },
    async close() {
      isClosed = true;
      // Their failures belong to their callers.
      await Promise.allSettled(running);
    },
  };
}
