// The readers of one topic: a dense array of those at the head, gone through for each frame, and the few that wait.
// The hot loop of the hub; allocates nothing for a reader. Rules: EVT-1, EVT-2, SUB-8.

import type { Cursor } from '@millrace/protocol';
import type { OutboundFrame } from './seams/link.ts';

/** A frame for all who are live, and where a reader stands that has no room for it. */
export interface Sending {
  readonly frame: OutboundFrame;
  /** Nothing but that frame, as links take it: made once for all of them. */
  readonly frames: readonly OutboundFrame[];
  readonly before: Cursor;
}

/** A subscription as its topic sees it. */
export interface TopicReader {
  /** Its place in the array of live readers, kept by the audience; -1 outside. */
  slot: number;
  /** Gives the frame to the link, or returns false when that has no room: then nothing was given. */
  offer(frame: OutboundFrame, frames: readonly OutboundFrame[]): boolean;
  fallBehind(position: Cursor): void;
  /** The topic has news: it loaded, moved, or can be read again. */
  look(): void;
  end(cursor: Cursor): void;
}

export interface Audience {
  readonly live: readonly TopicReader[];
  join(reader: TopicReader): void;
  wait(reader: TopicReader): void;
  /** Out of both; a reader that is in neither is fine. */
  leave(reader: TopicReader): void;
  /** Offers the frames in order to every live reader; whoever has no room for one falls behind, from its `before`. */
  send(sendings: readonly Sending[]): void;
  /** Every live reader falls behind. */
  scatter(position: Cursor): void;
  wake(): void;
  end(cursor: Cursor): void;
}

export function createAudience(): Audience {
  const live: TopicReader[] = [];
  /** Null while nobody waits, as nearly always. */
  let waiting: Set<TopicReader> | null = null;

  function leaveWaiting(reader: TopicReader): void {
    if (waiting?.delete(reader) === true && waiting.size === 0) waiting = null;
  }

  return {
    live,
    join(reader) {
      leaveWaiting(reader);
      if (reader.slot >= 0) return;
      reader.slot = live.length;
      live.push(reader);
    },
    wait(reader) {
      waiting ??= new Set();
      waiting.add(reader);
    },
    leave(reader) {
      leaveWaiting(reader);
      const { slot } = reader;
      if (slot < 0) return;
      reader.slot = -1;
      const last = live.pop();
      if (last === undefined || last === reader) return;
      live[slot] = last;
      last.slot = slot;
    },
    send(sendings) {
      // Whoever has no room leaves after the loop: leaving moves others in the array, and whoever catches up at once
      // must not come back among those who still get the rest.
      let full: { readonly reader: TopicReader; readonly before: Cursor }[] | null = null;
      for (const reader of live) {
        for (const { frame, frames, before } of sendings) {
          if (reader.offer(frame, frames)) continue;
          (full ??= []).push({ reader, before });
          break;
        }
      }
      if (full !== null) for (const { reader, before } of full) reader.fallBehind(before);
    },
    scatter(position) {
      for (const reader of [...live]) reader.fallBehind(position);
    },
    wake() {
      if (waiting === null) return;
      const woken = waiting;
      waiting = null;
      for (const reader of woken) reader.look();
    },
    end(cursor) {
      for (const reader of [...live]) reader.end(cursor);
    },
  };
}
