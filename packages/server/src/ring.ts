// A channel's newest entries in memory, encoded: what a reader that is a little behind reads without the log.
// Bounded by count and bytes; holds entries of one epoch, contiguous.

import type { Offset } from '@millrace/protocol';
import { previousOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import type { LogEntry, PageSize } from './seams/log.ts';

export interface Ring {
  push(entry: LogEntry): void;
  /** The entries after `after`, as many as fit in `size` (one at least), or null when they are not all here. */
  after(after: Offset, size: PageSize): readonly LogEntry[] | null;
  clear(): void;
}

/** Stands where a dropped entry stood, whose memory is free at once. */
const DROPPED: LogEntry = { offset: ZERO_OFFSET, text: '' };

export function createRing(limits: PageSize): Ring {
  // A plain array whose dead front is cut off now and then: `shift` would cost at each event.
  let entries: LogEntry[] = [];
  let start = 0;
  let bytes = 0;

  function dropOldest(): void {
    const oldest = entries[start];
    if (oldest === undefined) return;
    bytes -= oldest.text.length;
    entries[start] = DROPPED;
    start += 1;
    if (start < 64 || start < entries.length / 2) return;
    entries = entries.slice(start);
    start = 0;
  }

  return {
    push(entry) {
      entries.push(entry);
      bytes += entry.text.length;
      while (entries.length - start > limits.maxEvents || bytes > limits.maxBytes) {
        if (entries.length - start === 1) break;
        dropOldest();
      }
    },
    after(after, size) {
      const oldest = entries[start];
      if (oldest === undefined || after < previousOffset(oldest.offset)) return null;
      const from = start + (after - oldest.offset) + 1;
      let end = from;
      let taken = 0;
      for (; end < entries.length && end - from < size.maxEvents; end += 1) {
        taken += entries[end]?.text.length ?? 0;
        if (taken > size.maxBytes && end > from) break;
      }
      return entries.slice(from, end);
    },
    clear() {
      entries = [];
      start = 0;
      bytes = 0;
    },
  };
}
