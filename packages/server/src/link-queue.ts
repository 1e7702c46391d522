// What may wait for one slow link: events up to the queue limit, and beyond it a small budget of frames that must not be
// left out. Pages that are being read count as if they waited: a hundred channels that catch up at once share one queue.
// A full link is looked at on the wheel until it has room, or is given up: it moves when a whole write of it is taken, so
// one that takes less than a page (64 KiB) in `slowAfterMs` counts as stuck. Rules: SUB-8, LINK-7.

import { type Limits, MillraceError } from '@millrace/protocol';
import type { Link, OutboundFrame } from './seams/link.ts';
import type { Timers } from './seams/timers.ts';

/** How often a full link is looked at, ms. */
const LOOK_MS = 1_000;

export interface LinkQueue {
  /** Room for a page of replay. Without, `onRoom` tells when there is some. */
  hasRoom(): boolean;
  /** A page is on its way; the returned function says that it was sent, or is not coming. */
  reserve(): () => void;
  isFull(): boolean;
  /** Sends an events frame if it fits; false: nothing was sent. */
  offer(frame: OutboundFrame): boolean;
  /** Sends in any case; past the budget for such frames the link is given up. */
  tell(frame: OutboundFrame): void;
  /** The transport's queue is empty. */
  drained(): void;
  stop(): void;
}

export interface LinkQueueOptions {
  readonly link: Link;
  readonly limits: Limits;
  readonly timers: Timers;
  /** A link that had no room has some again. */
  readonly onRoom: () => void;
  readonly onStuck: (reason: MillraceError) => void;
}

export function createLinkQueue(options: LinkQueueOptions): LinkQueue {
  const { link, limits, timers, onRoom, onStuck } = options;
  const maxBytes = limits.maxQueueBytes;
  const roomBytes = Math.max(0, maxBytes - limits.maxPageBytes);
  let watch: { cancel: () => void } | null = null;
  let reservedBytes = 0;

  function hasRoom(): boolean {
    if (link.bufferedBytes() + reservedBytes <= roomBytes) return true;
    startWatch();
    return false;
  }

  function release(): void {
    reservedBytes -= limits.maxPageBytes;
    // Later, because whoever releases is about to send.
    if (watch !== null) queueMicrotask(lookForRoom);
  }

  function lookForRoom(): void {
    if (watch !== null && link.bufferedBytes() + reservedBytes <= roomBytes) drained();
  }

  function startWatch(): void {
    watch ??= { cancel: lookLater(link.bufferedBytes(), performance.now()) };
  }

  function lookLater(bytes: number, movedAt: number): () => void {
    return timers.after(Math.min(LOOK_MS, limits.slowAfterMs), () => {
      const now = link.bufferedBytes();
      if (now <= roomBytes) {
        drained();
        return;
      }
      const isMoving = now < bytes;
      if (!isMoving && performance.now() - movedAt >= limits.slowAfterMs) {
        onStuck(tooSlow());
        return;
      }
      const at = isMoving ? performance.now() : movedAt;
      if (watch !== null) watch.cancel = lookLater(now, at);
    });
  }

  function drained(): void {
    if (watch === null) return;
    stop();
    onRoom();
  }

  function stop(): void {
    watch?.cancel();
    watch = null;
  }

  return {
    hasRoom,
    reserve() {
      reservedBytes += limits.maxPageBytes;
      return release;
    },
    isFull: () => link.bufferedBytes() > maxBytes,
    offer(frame) {
      const waiting = link.bufferedBytes();
      if (waiting > 0 && waiting + frame.text.length > maxBytes) {
        startWatch();
        return false;
      }
      link.send(frame);
      return true;
    },
    tell(frame) {
      // By what waited before it: one large state is no reason to give up a link that takes everything in.
      if (link.bufferedBytes() > maxBytes + limits.maxControlBytes) onStuck(tooSlow());
      else link.send(frame);
    },
    drained,
    stop,
  };
}

function tooSlow(): MillraceError {
  return new MillraceError('link/slow', 'The link takes nothing in. Connect again to go on.');
}
