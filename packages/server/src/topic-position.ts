// How far a topic has come, and the pure rule by which it takes entries: the next goes out, an old one is dropped,
// a jump makes it read the log. Rules: EVT-1, SUB-7, LOG-7.

import type { Offset } from '@millrace/protocol';
import { nextOffset } from '@millrace/protocol/wire';
import type { LogEntry } from './seams/log.ts';

export interface TopicPosition {
  readonly epoch: string;
  readonly head: Offset;
  readonly isEnded: boolean;
}

/** A hint of the engine's, or a page of the log. */
export interface TopicNews extends TopicPosition {
  readonly entries: readonly LogEntry[];
}

export type Following =
  /** `fresh` goes out in order. `isBehind`: the channel has more, so the log must be read. */
  | {
      readonly position: TopicPosition;
      readonly fresh: readonly LogEntry[];
      readonly isBehind: boolean;
    }
  /** Another epoch: a late hint of an old one, or a channel that started again. The log decides. */
  | 'other-epoch';

export function follow(position: TopicPosition, news: TopicNews): Following {
  if (news.epoch !== position.epoch) return 'other-epoch';
  let { head } = position;
  const fresh: LogEntry[] = [];
  for (const entry of news.entries) {
    if (entry.offset <= head) continue;
    if (entry.offset !== nextOffset(head)) break;
    fresh.push(entry);
    head = entry.offset;
  }
  const isBehind = news.head > head;
  // Ended counts once everything before the mark has gone out.
  const isEnded = position.isEnded || (news.isEnded && !isBehind);
  return { position: { epoch: position.epoch, head, isEnded }, fresh, isBehind };
}
