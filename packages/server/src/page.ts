// One page of a channel on its way to readers: read once, encoded once, for everyone who stands at that place.
// Rules: SUB-8, EVT-1.

import { MillraceError, type Offset } from '@millrace/protocol';
import { nextOffset, previousOffset } from '@millrace/protocol/wire';
import { eventsFrame } from './outbound-frame.ts';
import type { OutboundFrame } from './seams/link.ts';
import type { LogEntry, LogPage, PageSize } from './seams/log.ts';
import type { PageRange } from './subscription.ts';

export interface TopicPage extends PageRange {
  readonly epoch: string;
  /** Null when the page is empty. */
  readonly frame: OutboundFrame | null;
  /** What the log said beside it; null for a page from memory, or one that was read for somebody else. */
  readonly source: LogPage | null;
}

/** @throws MillraceError `server/internal` when the engine returned a page with a hole */
export function pageFromLog(channel: string, after: Offset, page: LogPage): TopicPage {
  checkContiguous(channel, after, page);
  return { ...build(channel, page.epoch, page.entries, page.head), source: page };
}

export function pageFromMemory(
  channel: string,
  epoch: string,
  entries: readonly LogEntry[],
  head: Offset,
): TopicPage {
  return { ...build(channel, epoch, entries, head), source: null };
}

/** The entries in pages of `size`, one entry at least in each. */
export function splitEntries(
  entries: readonly LogEntry[],
  size: PageSize,
): readonly (readonly LogEntry[])[] {
  const [only] = entries;
  // As nearly always: one event of one channel.
  if (only !== undefined && entries.length === 1) return [entries];
  const pages: LogEntry[][] = [];
  let page: LogEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += entry.text.length;
    if (page.length > 0 && (bytes > size.maxBytes || page.length >= size.maxEvents)) {
      pages.push(page);
      page = [];
      bytes = entry.text.length;
    }
    page.push(entry);
  }
  if (page.length > 0) pages.push(page);
  return pages;
}

function build(
  channel: string,
  epoch: string,
  entries: readonly LogEntry[],
  logHead: Offset,
): Omit<TopicPage, 'source'> {
  const oldest = entries[0];
  const newest = entries.at(-1);
  if (oldest === undefined || newest === undefined) {
    return { epoch, begin: logHead, last: logHead, logHead, frame: null };
  }
  return {
    epoch,
    begin: previousOffset(oldest.offset),
    last: newest.offset,
    logHead,
    frame: eventsFrame(channel, epoch, entries),
  };
}

function checkContiguous(channel: string, after: Offset, page: LogPage): void {
  let expected = Math.max(nextOffset(after), page.first);
  for (const entry of page.entries) {
    if (entry.offset !== expected) {
      throw new MillraceError(
        'server/internal',
        `The engine returned ${channel} with a hole: ${entry.offset} in place of ${expected}.`,
      );
    }
    expected += 1;
  }
}
