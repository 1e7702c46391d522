// An event stream in a format of the program's own, written as the hub writes its own: what stands in it is the program's.
// Refuses to own: who may read it, heartbeats, what becomes of a reader that takes nothing in.

import type { ServerResponse } from 'node:http';
import type { DirectWrites } from './direct-writes.ts';
import { EventStream, type SharedText, type StreamOwner } from './event-stream.ts';

export interface OwnStreamOptions {
  /** Beside those of every event stream. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What waited is taken: told only after `isFull`. */
  onDrained?(): void;
  /** Once, whoever ended it; within the call for a response that is over already. */
  onClosed?(): void;
}

export interface OwnStream {
  /** Whether something waits for the reader: more of it waits in memory. */
  readonly isFull: boolean;
  readonly isOver: boolean;
  /** Blocks of an event stream (`encodeSse`). The head goes out with the first of them. */
  write(text: string | SharedText): void;
  /** Whoever has not taken what waits `withinMs` later is cut off; default 1,500. Idempotent. */
  end(lastText?: string, withinMs?: number): void;
  /** Breaks it off, so that its reader sees that this is no end. Idempotent. */
  cut(): void;
}

export interface OwnStreamContext {
  /** Null: everything goes through the responses. */
  readonly direct: DirectWrites | null;
  /** Those that are not over. */
  readonly open: Set<OwnStream>;
}

export function openOwnStream(
  res: ServerResponse,
  context: OwnStreamContext,
  options: OwnStreamOptions,
): OwnStream {
  return new Own(res, context, options);
}

class Own implements OwnStream, StreamOwner {
  readonly #stream: EventStream;
  readonly #options: OwnStreamOptions;
  readonly #open: Set<OwnStream>;
  #isClosed = false;

  constructor(res: ServerResponse, { direct, open }: OwnStreamContext, options: OwnStreamOptions) {
    this.#options = options;
    this.#open = open;
    open.add(this);
    this.#stream = new EventStream(res, direct, this, options.headers);
    this.#stream.watch();
  }

  get isFull(): boolean {
    return this.#stream.isFull;
  }

  get isOver(): boolean {
    return this.#stream.isOver;
  }

  write(text: string | SharedText): void {
    this.#stream.write(text);
  }

  end(lastText?: string, withinMs?: number): void {
    this.#stream.begin();
    this.#stream.end(lastText, withinMs);
  }

  cut(): void {
    this.#stream.cut();
  }

  drained(): void {
    this.#options.onDrained?.();
  }

  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#open.delete(this);
    this.#options.onClosed?.();
  }
}
