// One budget for what waits in the queues of all links together: a thousand slow readers, each within its own limit,
// must not fill the memory. Looked at once a second, off the hot path; past it the largest queues go first. Whoever is
// closed comes back and reads on from the log. Rules: LIM-8.

import { MillraceError } from '@millrace/protocol';
import type { Timers } from './seams/timers.ts';

/** What the budget needs of a link's attachment. */
export interface QueuedLink {
  readonly link: { bufferedBytes(): number };
  close(reason: MillraceError): void;
}

export interface QueueBudgetOptions {
  readonly maxBytes: number;
  readonly links: Iterable<QueuedLink>;
  readonly timers: Timers;
  readonly onClosed: () => void;
}

const SWEEP_MS = 1_000;

/** Watches until the timers end. */
export function watchQueueBudget(options: QueueBudgetOptions): void {
  const { maxBytes, links, timers, onClosed } = options;
  /** Closed here, their bytes about to go: counted again they would cost others their links. */
  const leaving = new WeakSet<QueuedLink>();
  sweepLater();

  function sweepLater(): void {
    timers.after(SWEEP_MS, () => {
      sweep();
      sweepLater();
    });
  }

  function sweep(): void {
    let bytes = 0;
    for (const one of links) if (!leaving.has(one)) bytes += one.link.bufferedBytes();
    if (bytes <= maxBytes) return;
    const queues = [...links]
      .filter((one) => !leaving.has(one))
      .map((one) => ({ one, bytes: one.link.bufferedBytes() }))
      .sort((a, b) => b.bytes - a.bytes);
    for (const queue of queues) {
      if (bytes <= maxBytes) return;
      bytes -= queue.bytes;
      leaving.add(queue.one);
      onClosed();
      queue.one.close(overBudget());
    }
  }
}

function overBudget(): MillraceError {
  return new MillraceError(
    'link/slow',
    'The queues of all links are too long together, and this one is among the longest. Connect again to go on.',
  );
}
