// What may wait for one slow link: events up to the queue limit, and beyond it a small budget of frames that must not be
// left out. Pages that are being read count as if they waited: a hundred channels that catch up at once share one queue.
// A full link is looked at on the wheel until it has room, or is given up: it moves when a whole write of it is taken, so
// one that takes less than a page (64 KiB) in `slowAfterMs` counts as stuck. Rules: SUB-8, LINK-7.
//
// What is told in one tick is gathered and sent at its end, so that `hello`, verdicts and a first page are one write;
// events go out at once unless something stands before them.

import { type Limits, MillraceError } from '@millrace/protocol';
import type { AloneFrame } from './audience.ts';
import type { Link, OutboundFrame } from './seams/link.ts';
import type { Timers } from './seams/timers.ts';
import type { Gathering, Tick } from './tick.ts';

/** How often a full link is looked at, ms. */
const LOOK_MS = 1_000;

/** Who owns the link. */
export interface QueueOwner {
  /** The link carries more than one channel. */
  readonly isShared: boolean;
  /** A link that had no room has some again. */
  hasRoomAgain(): void;
  isStuck(reason: MillraceError): void;
}

export interface QueueContext {
  readonly limits: Limits;
  readonly timers: Timers;
  readonly tick: Tick;
}

/** A class: one for each link, ten thousand of them idle. */
export class LinkQueue implements Gathering {
  readonly #link: Link;
  readonly #owner: QueueOwner;
  readonly #context: QueueContext;
  #gathered: OutboundFrame[] | null = null;
  #gatheredBytes = 0;
  #reservedBytes = 0;
  /** Ends the watch of a full link. */
  #cancelWatch: (() => void) | null = null;

  constructor(link: Link, owner: QueueOwner, context: QueueContext) {
    this.#link = link;
    this.#owner = owner;
    this.#context = context;
  }

  /** Room for a page of replay. Without, `hasRoomAgain` tells when there is some. */
  hasRoom(): boolean {
    if (this.#isRoomy()) return true;
    this.#startWatch();
    return false;
  }

  /** A page is on its way; `release` says that it was sent, or is not coming. */
  reserve(): void {
    this.#reservedBytes += this.#context.limits.maxPageBytes;
  }

  release(): void {
    this.#reservedBytes -= this.#context.limits.maxPageBytes;
    // Later, because whoever releases is about to send.
    if (this.#cancelWatch !== null) queueMicrotask(() => this.#lookForRoom());
  }

  isFull(): boolean {
    return this.#waitingBytes() > this.#context.limits.maxQueueBytes;
  }

  /** Sends a frame of events if it fits; false: nothing was sent. */
  offer(alone: AloneFrame): boolean {
    const [frame] = alone;
    const waiting = this.#waitingBytes();
    if (waiting > 0 && waiting + frame.text.length > this.#context.limits.maxQueueBytes) {
      this.#startWatch();
      return false;
    }
    const isGathering =
      this.#gathered !== null || (this.#context.tick.isJoining && this.#owner.isShared);
    if (isGathering) this.#gather(frame);
    else this.#link.send(alone);
    return true;
  }

  /** Sends in any case; past the budget for such frames the link is given up. */
  tell(frame: OutboundFrame): void {
    const { maxQueueBytes, maxControlBytes } = this.#context.limits;
    const most = maxQueueBytes + maxControlBytes;
    // What was gathered has not been offered yet: only what the peer did not take counts against it. And by what
    // waited before the frame: one large state is no reason to give up a link that takes everything in.
    if (this.#waitingBytes() > most) this.#send();
    if (this.#link.bufferedBytes() > most) this.#owner.isStuck(tooSlow());
    else this.#gather(frame);
  }

  /** What was gathered goes to the link now. */
  flush(): void {
    if (this.#gathered === null) return;
    this.#send();
    // Where the peer took it all at once the transport never had anything to drain.
    this.#lookForRoom();
  }

  /** For the last time: nothing of it follows, whatever room there is. */
  close(): void {
    this.stop();
    this.#send();
  }

  /** The transport's queue is empty. */
  drained(): void {
    if (this.#cancelWatch === null) return;
    this.stop();
    this.#owner.hasRoomAgain();
  }

  stop(): void {
    this.#cancelWatch?.();
    this.#cancelWatch = null;
  }

  #send(): void {
    const frames = this.#gathered;
    this.#gathered = null;
    this.#gatheredBytes = 0;
    if (frames !== null) this.#link.send(frames);
  }

  #waitingBytes(): number {
    return this.#link.bufferedBytes() + this.#gatheredBytes;
  }

  #isRoomy(): boolean {
    const { maxQueueBytes, maxPageBytes } = this.#context.limits;
    const room = Math.max(0, maxQueueBytes - maxPageBytes);
    return this.#waitingBytes() + this.#reservedBytes <= room;
  }

  #gather(frame: OutboundFrame): void {
    this.#gatheredBytes += frame.text.length;
    if (this.#gathered === null) {
      this.#gathered = [frame];
      this.#context.tick.gathered(this);
    } else {
      this.#gathered.push(frame);
    }
  }

  #lookForRoom(): void {
    if (this.#cancelWatch !== null && this.#isRoomy()) this.drained();
  }

  #startWatch(): void {
    this.#cancelWatch ??= this.#lookLater(this.#waitingBytes(), performance.now());
  }

  #lookLater(bytes: number, movedAt: number): () => void {
    const { timers, limits } = this.#context;
    return timers.after(Math.min(LOOK_MS, limits.slowAfterMs), () => {
      const now = this.#waitingBytes();
      if (now <= Math.max(0, limits.maxQueueBytes - limits.maxPageBytes)) {
        this.drained();
        return;
      }
      const isMoving = now < bytes;
      if (!isMoving && performance.now() - movedAt >= limits.slowAfterMs) {
        this.#owner.isStuck(tooSlow());
        return;
      }
      const at = isMoving ? performance.now() : movedAt;
      if (this.#cancelWatch !== null) this.#cancelWatch = this.#lookLater(now, at);
    });
  }
}

function tooSlow(): MillraceError {
  return new MillraceError('link/slow', 'The link takes nothing in. Connect again to go on.');
}
