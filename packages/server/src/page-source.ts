// Pages of one channel for the readers who are behind, from memory or from the log, shared by all at the same place:
// ten thousand readers that come back after the same cut cost one read and one encoding. Rules: SUB-8.

import type { Limits, Offset } from '@millrace/protocol';
import type { Pressure } from './hub-types.ts';
import { pageFromLog, pageFromMemory, type TopicPage } from './page.ts';
import type { Ring } from './ring.ts';
import type { Log, PageSize } from './seams/log.ts';
import type { Timers } from './seams/timers.ts';
import type { TopicPosition } from './topic-position.ts';

/** How long a page of the log is kept for others at the same place, ms. */
const KEEP_MS = 2_000;
/** Pages kept for each source, and how many channels may hold some is bounded by their readers. */
const MAX_KEPT = 4;

export interface PageSource {
  /** The entries after `after`. @throws what the engine throws, as a rejection */
  read(position: TopicPosition, after: Offset): TopicPage | Promise<TopicPage>;
  /** Forgets what it kept: the epoch changed. */
  clear(): void;
}

export interface PageSourceOptions {
  readonly channel: string;
  readonly log: Log;
  /** Null where the log is as near: then every page is the log's. */
  readonly ring: Ring | null;
  readonly limits: Limits;
  readonly timers: Timers;
  readonly onPressure: (outcome: Pressure) => void;
}

export function createPageSource(options: PageSourceOptions): PageSource {
  const { channel, log, ring, limits, timers, onPressure } = options;
  const size: PageSize = { maxEvents: limits.maxPageEvents, maxBytes: limits.maxPageBytes };
  const fromMemory = new Map<Offset, TopicPage>();
  const fromLog = new Map<Offset, Promise<TopicPage>>();
  let memoryHead: Offset | null = null;

  function readMemory({ epoch, head }: TopicPosition, after: Offset): TopicPage | null {
    if (ring === null) return null;
    if (head !== memoryHead) {
      fromMemory.clear();
      memoryHead = head;
    }
    const kept = fromMemory.get(after);
    if (kept !== undefined) return kept;
    const entries = ring.after(after, size);
    if (entries === null || entries.length === 0) return null;
    const page = pageFromMemory(channel, epoch, entries, head);
    if (fromMemory.size < MAX_KEPT) fromMemory.set(after, page);
    return page;
  }

  async function readLog(after: Offset): Promise<TopicPage> {
    onPressure('pagesFromLog');
    return pageFromLog(channel, after, await log.read(channel, after, size));
  }

  return {
    read(position, after) {
      const remembered = readMemory(position, after);
      if (remembered !== null) {
        onPressure('pagesFromMemory');
        return remembered;
      }
      // At or past the head the question is whether the log has moved: an answer of before would be a lie.
      if (after >= position.head) return readLog(after);
      const shared = fromLog.get(after);
      if (shared !== undefined) return shared;
      const reading = readLog(after);
      if (fromLog.size >= MAX_KEPT) return reading;
      // What the log said beside it is news to the one who asked; later it is out of date, and would pass for a
      // log that went back.
      const kept = reading.then((page): TopicPage => ({ ...page, source: null }));
      fromLog.set(after, kept);
      const forget = (): void => {
        if (fromLog.get(after) === kept) fromLog.delete(after);
      };
      kept.then(() => timers.after(KEEP_MS, forget), forget);
      return reading;
    },
    clear() {
      fromMemory.clear();
      fromLog.clear();
      memoryHead = null;
    },
  };
}
