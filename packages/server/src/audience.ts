// The readers of one topic: a dense array of those at the head, gone through for each frame, and the few that wait.
// The hot loop of the hub; allocates nothing for a reader. Rules: EVT-1, EVT-2, SUB-8.

import type { Cursor } from '@millrace/protocol';
import type { OutboundFrame } from './seams/link.ts';

/** A frame in the list that links take: made once for all of them. */
export type AloneFrame = readonly [OutboundFrame];

/** A subscription as its topic sees it. */
export interface TopicReader {
  /** Its place in the array of live readers, kept by the audience; -1 outside. */
  slot: number;
  /** Gives the frame to the link, or returns false when that has no room: then nothing was given. */
  offer(alone: AloneFrame): boolean;
  fallBehind(position: Cursor): void;
  /** The topic has news: it loaded, moved, or can be read again. */
  look(): void;
  end(cursor: Cursor): void;
}

/** A class: one for each channel. */
export class Audience {
  readonly #live: TopicReader[] = [];
  /** Null while nobody waits, as nearly always. */
  #waiting: Set<TopicReader> | null = null;

  get live(): readonly TopicReader[] {
    return this.#live;
  }

  join(reader: TopicReader): void {
    this.#leaveWaiting(reader);
    if (reader.slot >= 0) return;
    reader.slot = this.#live.length;
    this.#live.push(reader);
  }

  wait(reader: TopicReader): void {
    this.#waiting ??= new Set();
    this.#waiting.add(reader);
  }

  /** Out of both; a reader that is in neither is fine. */
  leave(reader: TopicReader): void {
    this.#leaveWaiting(reader);
    const { slot } = reader;
    if (slot < 0) return;
    reader.slot = -1;
    const last = this.#live.pop();
    if (last === undefined || last === reader) return;
    this.#live[slot] = last;
    last.slot = slot;
  }

  /** Offers the frames in order to every live reader; whoever has no room for one falls behind, from before it. */
  send(frames: readonly AloneFrame[], before: (frame: OutboundFrame) => Cursor): void {
    // Whoever has no room leaves after the loop: leaving moves others in the array, and whoever catches up at once
    // must not come back among those who still get the rest.
    let full: { readonly reader: TopicReader; readonly frame: OutboundFrame }[] | null = null;
    for (const reader of this.#live) {
      for (const alone of frames) {
        if (reader.offer(alone)) continue;
        (full ??= []).push({ reader, frame: alone[0] });
        break;
      }
    }
    if (full === null) return;
    for (const { reader, frame } of full) reader.fallBehind(before(frame));
  }

  /** Every live reader falls behind. */
  scatter(position: Cursor): void {
    for (const reader of [...this.#live]) reader.fallBehind(position);
  }

  wake(): void {
    if (this.#waiting === null) return;
    const woken = this.#waiting;
    this.#waiting = null;
    for (const reader of woken) reader.look();
  }

  end(cursor: Cursor): void {
    for (const reader of [...this.#live]) reader.end(cursor);
  }

  #leaveWaiting(reader: TopicReader): void {
    if (this.#waiting?.delete(reader) === true && this.#waiting.size === 0) this.#waiting = null;
  }
}
