// A run as an event stream over HTTP, in whatever protocol: from the beginning, then live, to its end. The response is a
// viewer: when it goes the run goes on. Refuses to own: who may see the run (the route's), what is said (a projection).
// Rules: UI-4, VIEW-1.

import type { ServerResponse } from 'node:http';
import { encodeSse, encodeSseComment } from '@millrace/protocol/wire';
import { type Hub, type OwnStream, SharedText } from '@millrace/server';
import { piecesOf } from '../text-pieces.ts';
import { type RunNews, type Watching, type WatchOptions, watchRun } from './run-feed.ts';
import type { Told } from './run-places.ts';

export interface ServeOptions {
  readonly runId: string;
  readonly told: Told;
  /** Beside those of every event stream. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Goes out with the head. */
  readonly first?: string;
  /** Goes out behind the run's end. */
  readonly last?: string;
  readonly resume?: WatchOptions['resume'];
  /** A comment goes out after so long without anything else, ms. Default 15,000. */
  readonly heartbeatMs?: number;
  /** Who takes nothing in for so long is cut off, ms. Default 30,000. */
  readonly slowAfterMs?: number;
}

/** The end of a stream as the AI SDK and OpenAI write it. */
export const DONE: string = encodeSse({ data: '[DONE]' });

/**
 * Characters, three bytes at most each, of a piece of a long text. A whole one has to be taken within `slowAfterMs`: less
 * is no sign that it moves.
 */
const MAX_PIECE_LENGTH = 21_845;

const HEARTBEAT = new SharedText(encodeSseComment('heartbeat'));

/**
 * Resolves when the response is over: with the run's end, cut off where its reader must come again (what can't be said,
 * one that takes nothing in, a hub that closes), or left. Rejects where the run can't be read at all.
 */
export async function serveRun(
  hub: Hub,
  res: ServerResponse,
  options: ServeOptions,
): Promise<void> {
  if (res.closed || res.destroyed) return;
  await new Serving(hub, res, options).over;
}

/** A class: one for each viewer of each run. */
class Serving {
  readonly #over = Promise.withResolvers<void>();
  readonly #stream: OwnStream;
  readonly #watching: Watching;
  readonly #last: string;
  readonly #heartbeatMs: number;
  readonly #slowAfterMs: number;
  /** What is left of a long text. */
  #pieces: string[] = [];
  #wroteAt = performance.now();
  #heartbeat: NodeJS.Timeout;
  /** Runs while something waits for the reader. */
  #slow: NodeJS.Timeout | undefined;

  constructor(hub: Hub, res: ServerResponse, options: ServeOptions) {
    const { runId, told, headers, first = '', last = '', resume } = options;
    const { heartbeatMs = 15_000, slowAfterMs = 30_000 } = options;
    this.#last = last;
    this.#heartbeatMs = heartbeatMs;
    this.#slowAfterMs = slowAfterMs;
    this.#stream = hub.openEventStream(res, {
      ...(headers !== undefined && { headers }),
      onDrained: () => this.#drained(),
      onClosed: () => this.#closed(),
    });
    // The first byte before there is an answer: proxies, and whoever waits, see that it was accepted. Not within the
    // call: the request may be in the middle of being parsed, and its socket can't be written to directly then.
    queueMicrotask(() => this.#begin(encodeSseComment('accepted') + first));
    const watch = { runId, told, ...(resume !== undefined && { resume }) };
    this.#watching = watchRun(hub, watch, (news) => this.#take(news));
    // Last of all: a hub that is closed has thrown by now, and nothing of this may be left then.
    this.#heartbeat = setTimeout(() => this.#beat(), heartbeatMs);
  }

  get over(): Promise<void> {
    return this.#over.promise;
  }

  #begin(text: string): void {
    try {
      this.#stream.write(text);
    } catch (thrown) {
      // A head that can't be made: nothing was sent, and the response is the route's to answer.
      this.#over.reject(thrown);
      this.#watching.leave();
      this.#stop();
    }
  }

  #take(news: RunNews): boolean {
    switch (news.type) {
      case 'begun':
      case 'said':
        return this.#put(news.said.blocks);
      case 'end':
        this.#stream.end(this.#last, this.#slowAfterMs);
        break;
      case 'failed':
        this.#over.reject(news.error);
        this.#stream.cut();
        break;
      case 'cut':
        // Without an end its reader comes again.
        this.#stream.cut();
        break;
    }
    this.#stop();
    return true;
  }

  /** Whether there is room for more. */
  #put(blocks: SharedText): boolean {
    const { text } = blocks;
    if (text === '') return true;
    this.#wroteAt = performance.now();
    if (text.length > MAX_PIECE_LENGTH) {
      this.#pieces = piecesOf(text, MAX_PIECE_LENGTH);
      return this.#putPieces();
    }
    this.#stream.write(blocks);
    return !this.#isFull();
  }

  #putPieces(): boolean {
    let isFull = this.#isFull();
    for (let piece = this.#pieces[0]; piece !== undefined && !isFull; piece = this.#pieces[0]) {
      this.#pieces.shift();
      this.#stream.write(piece);
      isFull = this.#isFull();
    }
    return !isFull;
  }

  /** Whoever takes nothing in is cut off in the end. */
  #isFull(): boolean {
    if (!this.#stream.isFull) return false;
    this.#slow ??= setTimeout(() => this.#stream.cut(), this.#slowAfterMs);
    return true;
  }

  #drained(): void {
    clearTimeout(this.#slow);
    this.#slow = undefined;
    if (this.#putPieces()) this.#watching.goOn();
  }

  #beat(): void {
    const idleMs = performance.now() - this.#wroteAt;
    const isDue = idleMs >= this.#heartbeatMs;
    if (isDue && !this.#isFull()) this.#stream.write(HEARTBEAT);
    if (isDue) this.#wroteAt = performance.now();
    const nextMs = isDue ? this.#heartbeatMs : this.#heartbeatMs - idleMs;
    this.#heartbeat = setTimeout(() => this.#beat(), nextMs);
  }

  #closed(): void {
    this.#stop();
    this.#watching.leave();
    this.#over.resolve();
  }

  #stop(): void {
    clearTimeout(this.#heartbeat);
    clearTimeout(this.#slow);
  }
}
