// How far a topic has come, and the pure rule by which it takes entries: the next goes out, an old one is dropped,
// a jump makes it read the log. Rules: EVT-1, SUB-7, LOG-7.

import type { Cursor, Offset } from '@millrace/protocol';
import { nextOffset } from '@millrace/protocol/wire';
import type { LogEntry } from './seams/log.ts';

export interface TopicPosition {
  readonly epoch: string;
  readonly head: Offset;
  readonly isEnded: boolean;
}

/** Where it is in its channel. Changed in place: a new one for each event would be the most frequent object of a hub. */
export interface Place {
  readonly epoch: string;
  first: Offset;
  head: Offset;
  /** The newest offset that was told of; beyond the head while the log is being read up to it. */
  heard: Offset;
  isEnded: boolean;
}

/** A hint of the engine's, or a page of the log. */
export interface TopicNews extends TopicPosition {
  readonly entries: readonly LogEntry[];
}

export type Following =
  /** `fresh` goes out in order. `isBehind`: the channel has more, so the log must be read. */
  | {
      readonly head: Offset;
      readonly isEnded: boolean;
      readonly fresh: readonly LogEntry[];
      readonly isBehind: boolean;
    }
  /** Another epoch: a late hint of an old one, or a channel that started again. The log decides. */
  | 'other-epoch';

export function follow(position: TopicPosition, news: TopicNews): Following {
  if (news.epoch !== position.epoch) return 'other-epoch';
  const fresh = freshOf(position.head, news.entries);
  const head = fresh.at(-1)?.offset ?? position.head;
  const isBehind = news.head > head;
  // Ended counts once everything before the mark has gone out.
  const isEnded = position.isEnded || (news.isEnded && !isBehind);
  return { head, isEnded, fresh, isBehind };
}

/** What was appended here is told twice: by the engine, and by who appended it. */
export function isKnown(position: TopicPosition, { epoch, head, isEnded }: TopicNews): boolean {
  return epoch === position.epoch && head <= position.head && (!isEnded || position.isEnded);
}

function freshOf(head: Offset, entries: readonly LogEntry[]): readonly LogEntry[] {
  // As nearly always: one entry, the next one.
  if (entries.length === 1 && entries[0]?.offset === nextOffset(head)) return entries;
  const fresh: LogEntry[] = [];
  let next = nextOffset(head);
  for (const entry of entries) {
    if (entry.offset < next) continue;
    if (entry.offset !== next) break;
    fresh.push(entry);
    next = nextOffset(next);
  }
  return fresh;
}

export function cursorOf({ epoch, head }: TopicPosition): Cursor {
  return { epoch, offset: head };
}
