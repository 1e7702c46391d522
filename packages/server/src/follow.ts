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
  ): AsyncGenerator<FollowedFrame, void, undefined>;
  /** Ends all of them with `server/shutdown`. */
  close(): void;
}

/** Everything is allowed: who asks is the program itself. */
const OPEN: Gate = { identify: () => null, refusal: () => null };

export function createFollowers(shared: FollowContext): Followers {
  const context: FollowContext = { ...shared, gate: OPEN };
  const open = new Set<FollowLink>();

  async function* follow(
    { name, version }: FollowedChannel,
    start: Start,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<FollowedFrame, void, undefined> {
    const link = new FollowLink(context);
    const end = (): void => link.close(null);
    signal?.addEventListener('abort', end);
    open.add(link);
    try {
      if (signal?.aborted === true) return;
      link.begin(name, version, start);
      for (;;) {
        const frame = await link.next();
        if (frame === null) return;
        yield* readFrame(frame);
        if (frame.type === 'end') return;
      }
    } finally {
      signal?.removeEventListener('abort', end);
      open.delete(link);
      link.close(null);
    }
  }

  return {
    get count() {
      return open.size;
    },
    follow,
    close() {
      for (const link of open) link.close(shuttingDown());
    },
  };
}

function* readFrame(frame: OutboundFrame): Generator<FollowedFrame, void, undefined> {
  if (frame.batch !== null) {
    const { epoch, entries } = frame.batch;
    for (const { offset, text } of entries) {
      yield { type: 'event', cursor: { epoch, offset }, event: parseEvent(JSON.parse(text)) };
    }
    return;
  }
  const told = parseServerFrame(frame.text);
  if (told?.type === 'end') yield { type: 'end', cursor: told.cursor };
  if (told?.type !== 'verdict') return;
  // Refusals are of a channel that nobody knows, or of another version: nothing follows.
  if (told.verdict === 'denied' || told.verdict === 'unknown') throw told.error;
  const { type: _, channel: __, ...verdict } = told;
  yield { type: 'verdict', verdict };
}

class FollowLink implements Link, QueueOwner, ReadersOwner {
  readonly transport = 'follow';
  readonly beatMs = 0;
  readonly identity = null;
  readonly isShared = false;
  readonly #queue: LinkQueue;
  readonly #readers: LinkReaders;
  readonly #onRefused: FollowContext['onRefused'];
  readonly #frames: OutboundFrame[] = [];
  #bytes = 0;
  /** Whoever waits for the next frame. */
  #wake: () => void = () => undefined;
  /** Why it is over; undefined while it is not. */
  #over: MillraceError | null | undefined;

  constructor(context: FollowContext) {
    this.#queue = new LinkQueue(this, this, context);
    this.#readers = new LinkReaders(this.#queue, this, context);
    this.#onRefused = context.onRefused;
  }

  begin(channel: string, version: number, start: Start): void {
    this.#readers.subscribe([{ channel, version, start }]);
  }

  /** Null when it was closed without a reason. Rejects with that otherwise, once all that came before is read. */
  async next(): Promise<OutboundFrame | null> {
    while (this.#frames.length === 0) {
      if (this.#over === null) return null;
      if (this.#over !== undefined) throw this.#over;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const frame = this.#frames.shift();
    this.#bytes -= frame === undefined ? 0 : Buffer.byteLength(frame.text);
    if (this.#bytes === 0) this.#queue.drained();
    return frame ?? null;
  }

  send(frames: readonly OutboundFrame[]): void {
    if (this.#over !== undefined) return;
    for (const frame of frames) {
      this.#frames.push(frame);
      this.#bytes += Buffer.byteLength(frame.text);
    }
    this.#wake();
  }

  close(reason: MillraceError | null): void {
    if (this.#over !== undefined) return;
    this.#queue.close();
    this.#over = reason;
    this.#readers.close();
    if (reason === null) this.#frames.length = 0;
    this.#wake();
  }

  bufferedBytes(): number {
    return this.#bytes;
  }

  hasRoomAgain(): void {
    this.#readers.look();
  }

  isStuck(reason: MillraceError): void {
    this.#onRefused(reason);
    this.close(reason);
  }

  settled(): void {
    // Nobody waits for it.
  }
}
