// The kept entries of one channel: contiguous, oldest first; found by offset in constant time. Rules: LOG-3, LOG-8.

import { Buffer } from 'node:buffer';
import type { Offset } from '@millrace/protocol';
import { ZERO_OFFSET } from '@millrace/protocol/wire';
import type { LogEntry, PageSize } from '../../seams/log.ts';

export interface QueuedEntry extends LogEntry {
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
}

export interface EntryQueue {
  push(entry: QueuedEntry): void;
  /** Offset of the oldest kept entry; undefined when none is. */
  first(): Offset | undefined;
  /** The kept entries after `offset`, as many as the page takes. */
  after(offset: Offset, size: PageSize): readonly LogEntry[];
  /** Drops the oldest while they are over `size` or older, never past `upTo`. */
  trim(limits: {
    readonly upTo: Offset;
    readonly size: number;
    readonly acceptedBefore: number;
  }): void;
}

/** Stands where a trimmed entry stood, whose memory is free at once. */
const TRIMMED: QueuedEntry = { offset: ZERO_OFFSET, text: '', acceptedAt: 0 };
/** Dead places in front are cut off only past this many, so that trimming one entry at a time stays cheap. */
const MIN_DEAD = 64;

export function createEntryQueue(): EntryQueue {
  const entries: QueuedEntry[] = [];
  /** Index of the oldest kept entry; what stands before it was trimmed. */
  let start = 0;

  return {
    push: (entry) => void entries.push(entry),
    first: () => entries[start]?.offset,
    after(offset, size) {
      const oldest = entries[start];
      if (oldest === undefined) return [];
      const from = start + Math.max(0, offset - oldest.offset + 1);
      const upTo = Math.min(entries.length, from + size.maxEvents);
      if (size.maxBytes === Number.POSITIVE_INFINITY) return entries.slice(from, upTo);
      let end = from;
      let bytes = 0;
      while (end < upTo) {
        bytes += Buffer.byteLength(entries[end]?.text ?? '');
        if (bytes > size.maxBytes && end > from) break;
        end += 1;
      }
      return entries.slice(from, end);
    },
    trim({ upTo, size, acceptedBefore }) {
      for (;;) {
        const oldest = entries[start];
        if (oldest === undefined || oldest.offset > upTo) break;
        if (entries.length - start <= size && oldest.acceptedAt >= acceptedBefore) break;
        entries[start] = TRIMMED;
        start += 1;
      }
      if (start > MIN_DEAD && start * 2 > entries.length) {
        entries.splice(0, start);
        start = 0;
      }
    },
  };
}
