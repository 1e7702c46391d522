// Pages of one channel for the readers who are behind, from memory or from the log, shared by all at the same place:
// ten thousand readers that come back after the same cut cost one read and one encoding. Rules: SUB-8.

import type { Limits, Offset } from '@millrace/protocol';
import { ZERO_OFFSET } from '@millrace/protocol/wire';
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
/** So many epochs are remembered as over: each is one read less for everybody who still comes with it. */
const MAX_OVER = 16;

export interface PageSource {
  /** The entries after `after` as far as memory has them; null where the log must be asked. */
  remembered(position: TopicPosition, after: Offset, doubted: string | null): TopicPage | null;
  /**
   * From the log, the entries after `after`; with a `doubted` epoch, which may be newer than the position's, as the log has them now.
   * @throws what the engine throws, as a rejection
   */
  read(position: TopicPosition, after: Offset, doubted: string | null): Promise<TopicPage>;
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
  /** Epochs that the log has answered with another one since somebody came with them: they do not come back. */
  const over = new Set<string>();
  /** Reads for those in doubt: one that runs, and one that begins after it for all who came meanwhile. */
  let running: Promise<TopicPage> | null = null;
  let following: Promise<TopicPage> | null = null;

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

  /** Begins after it was asked for: an answer from before may be older than the epoch in question. */
  function readAnew(): Promise<TopicPage> {
    if (following !== null) return following;
    if (running === null) {
      running = readLog(ZERO_OFFSET).finally(() => {
        running = null;
      });
      return running;
    }
    const begin = (): Promise<TopicPage> => {
      following = null;
      return readAnew();
    };
    following = running.then(begin, begin);
    return following;
  }

  async function readInDoubt(epoch: string): Promise<TopicPage> {
    const page = await readAnew();
    if (page.epoch !== epoch && over.size < MAX_OVER) over.add(epoch);
    return page;
  }

  function isInDoubt(epoch: string | null): epoch is string {
    return epoch !== null && !over.has(epoch);
  }

  return {
    remembered(position, after, doubted) {
      const page = isInDoubt(doubted) ? null : readMemory(position, after);
      if (page !== null) onPressure('pagesFromMemory');
      return page;
    },
    read(position, after, doubted) {
      if (isInDoubt(doubted)) return readInDoubt(doubted);
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
      over.clear();
    },
  };
}
