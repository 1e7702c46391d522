// A channel read inside the process as a link reads it: verdict first, then every event in order, from wherever the
// reader wants to begin. The same queue and the same reader as a socket's, so a slow one costs its limit, falls back to
// the log, and goes on from there. Asks nobody for permission. Rules: SUB-10.

import type { MillraceError, Start } from '@millrace/protocol';
import { parseEvent, parseServerFrame } from '@millrace/protocol/wire';
import type { FollowedFrame } from './hub-types.ts';
import type { Gate } from './identity.ts';
import { LinkQueue, type QueueContext, type QueueOwner } from './link-queue.ts';
import { LinkReaders, type ReadersContext, type ReadersOwner } from './link-readers.ts';
import { shuttingDown } from './links.ts';
import type { Link, OutboundFrame } from './seams/link.ts';

export interface FollowContext extends ReadersContext, QueueContext {}

export interface FollowedChannel {
  readonly name: string;
  readonly version: number;
}

export interface Followers {
  readonly count: number;
  /** @throws MillraceError `server/shutdown` */
  follow(
    channel: FollowedChannel,
    start: Start,
    signal: AbortSignal | undefined,
  ): AsyncIterableIterator<FollowedFrame, void, undefined>;
  /** Ends all of them with `server/shutdown`. */
  close(): void;
}

/** Everything is allowed: who asks is the program itself. */
const OPEN: Gate = { identify: () => null, refusal: () => null };

export function createFollowers(shared: FollowContext): Followers {
  const context: FollowContext = { ...shared, gate: OPEN };
  const open = new Set<FollowLink>();

  return {
    get count() {
      return open.size;
    },
    follow: (channel, start, signal) => new FollowLink({ context, open, channel, start, signal }),
    close() {
      for (const link of [...open]) link.close(shuttingDown());
    },
  };
}

interface FollowLinkOptions {
  readonly context: FollowContext;
  /** Those that were begun and are not over. */
  readonly open: Set<FollowLink>;
  readonly channel: FollowedChannel;
  readonly start: Start;
  readonly signal: AbortSignal | undefined;
}

const DONE = { done: true, value: undefined } as const;

/**
 * The link and its reader in one. Begins with the first `next`, as an async generator does; it is none, because one makes
 * several promises for each event where one is enough. Asked once at a time, as loops do: of two that wait nobody knows
 * who is answered first.
 */
class FollowLink
  implements Link, QueueOwner, ReadersOwner, AsyncIterableIterator<FollowedFrame, void, undefined>
{
  readonly transport = 'follow';
  readonly beatMs = 0;
  readonly identity = null;
  readonly isShared = false;
  readonly #options: FollowLinkOptions;
  readonly #queue: LinkQueue;
  readonly #readers: LinkReaders;
  readonly #frames: OutboundFrame[] = [];
  #bytes = 0;
  #hasBegun = false;
  /** Of the first frame, so many events have been told. */
  #toldOfFirst = 0;
  /** Whoever waits for the next frame. */
  #wake: () => void = () => undefined;
  /** Why it is over; undefined while it is not. */
  #over: MillraceError | null | undefined;

  constructor(options: FollowLinkOptions) {
    const { context } = options;
    this.#options = options;
    this.#queue = new LinkQueue(this, this, context);
    this.#readers = new LinkReaders(this.#queue, this, context);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Rejects with why it was closed, once all that came before is read. */
  async next(): Promise<IteratorResult<FollowedFrame, void>> {
    if (!this.#hasBegun) this.#begin();
    for (;;) {
      const value = this.#takeOrClose();
      if (value !== null) return { done: false, value };
      if (this.#over === null) return DONE;
      if (this.#over !== undefined) {
        const reason = this.#over;
        this.#over = null;
        throw reason;
      }
      await this.#more();
    }
  }

  return(): Promise<IteratorResult<FollowedFrame, void>> {
    this.#hasBegun = true;
    this.close(null);
    return Promise.resolve(DONE);
  }

  #begin(): void {
    const { open, channel, start, signal } = this.#options;
    this.#hasBegun = true;
    if (signal?.aborted === true) return this.close(null);
    signal?.addEventListener('abort', this.#end);
    open.add(this);
    this.#readers.subscribe([{ channel: channel.name, version: channel.version, start }]);
  }

  readonly #end = (): void => this.close(null);

  #more(): Promise<void> {
    return new Promise((resolve) => {
      const others = this.#wake;
      this.#wake = () => {
        others();
        resolve();
      };
    });
  }

  /** As `#take`. Nobody reads on behind what could not be read. */
  #takeOrClose(): FollowedFrame | null {
    try {
      return this.#take();
    } catch (thrown) {
      this.close(null);
      throw thrown;
    }
  }

  /** What is told next, null where nothing is there. @throws MillraceError why the channel can't be followed */
  #take(): FollowedFrame | null {
    for (let frame = this.#frames[0]; frame !== undefined; frame = this.#frames[0]) {
      if (frame.batch !== null) {
        const { epoch, entries } = frame.batch;
        const entry = entries[this.#toldOfFirst];
        this.#toldOfFirst += 1;
        if (this.#toldOfFirst >= entries.length) this.#drop(frame);
        if (entry === undefined) continue;
        const event = parseEvent(JSON.parse(entry.text));
        return { type: 'event', cursor: { epoch, offset: entry.offset }, event };
      }
      this.#drop(frame);
      const told = parseServerFrame(frame.text);
      if (told.type === 'end') {
        this.close(null);
        return { type: 'end', cursor: told.cursor };
      }
      if (told.type !== 'verdict') continue;
      // Refusals are of a channel that nobody knows, or of another version: nothing follows.
      if (told.verdict === 'denied' || told.verdict === 'unknown') throw told.error;
      const { type: _, channel: __, ...verdict } = told;
      return { type: 'verdict', verdict };
    }
    return null;
  }

  #drop(frame: OutboundFrame): void {
    this.#frames.shift();
    this.#toldOfFirst = 0;
    this.#bytes -= Buffer.byteLength(frame.text);
    if (this.#bytes === 0) this.#queue.drained();
  }

  send(frames: readonly OutboundFrame[]): void {
    if (this.#over !== undefined) return;
    for (const frame of frames) {
      this.#frames.push(frame);
      this.#bytes += Buffer.byteLength(frame.text);
    }
    this.#tell();
  }

  close(reason: MillraceError | null): void {
    if (this.#over !== undefined) return;
    const { open, signal } = this.#options;
    signal?.removeEventListener('abort', this.#end);
    open.delete(this);
    this.#queue.close();
    this.#over = reason;
    this.#readers.close();
    if (reason === null) this.#frames.length = 0;
    this.#tell();
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = () => undefined;
    wake();
  }

  bufferedBytes(): number {
    return this.#bytes;
  }

  hasRoomAgain(): void {
    this.#readers.look();
  }

  isStuck(reason: MillraceError): void {
    this.#options.context.onRefused(reason);
    this.close(reason);
  }

  settled(): void {
    // Nobody waits for it.
  }
}
