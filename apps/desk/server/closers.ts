// What has been opened, closed in reverse order. One that fails to close is logged; the rest still closes.

import type { Log } from './log.ts';

export interface Closers {
  add(name: string, close: (graceMs: number) => Promise<unknown>): void;
  /** Idempotent: everybody who asks waits for the same closing. */
  close(graceMs: number): Promise<void>;
}

export function createClosers(log: Log): Closers {
  const opened: { name: string; close: (graceMs: number) => Promise<unknown> }[] = [];
  let closing: Promise<void> | null = null;
  const closeAll = async (graceMs: number): Promise<void> => {
    for (const { name, close } of opened.reverse()) {
      try {
        await close(graceMs);
        log.debug({ part: name }, 'closed');
      } catch (err) {
        log.error({ err, part: name }, 'could not be closed');
      }
    }
  };
  return {
    add: (name, close) => {
      opened.push({ name, close });
    },
    close(graceMs) {
      closing ??= closeAll(graceMs);
      return closing;
    },
  };
}
