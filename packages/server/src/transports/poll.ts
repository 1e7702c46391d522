// Long-poll as a carrier: frames are gathered until there is something to tell, then answered as one JSON list.
// Nothing is kept between polls: the next one brings its cursors again. Rules: POLL-1, POLL-2, LINK-7.

import type { ServerResponse } from 'node:http';
import type { Limits, MillraceError } from '@millrace/protocol';
import { type ConnectFrame, encodeServerFrame, parseServerFrame } from '@millrace/protocol/wire';
import type { Link, LinkAcceptor, OutboundFrame, Peer } from '../seams/link.ts';
import type { Timers } from '../seams/timers.ts';
import { endResponse, watchResponse } from './event-stream.ts';

/** How long a poll that must not be held waits for the engine, ms: then it says what it knows. */
const MAX_CATCH_UP_MS = 5_000;

export interface PollTransport {
  open(res: ServerResponse, connect: ConnectFrame, peer: Peer): void;
}

export interface PollTransportOptions {
  readonly acceptor: LinkAcceptor;
  readonly limits: Limits;
  readonly timers: Timers;
  readonly answerError: (res: ServerResponse, error: MillraceError) => void;
}

export function pollTransport(options: PollTransportOptions): PollTransport {
  return {
    open(res, connect, peer) {
      const link = new PollLink(res, connect, options);
      const attachment = options.acceptor.attach(link, connect, peer);
      watchResponse(
        res,
        () => attachment.drained(),
        () => attachment.closed(),
      );
      void attachment.ready.then(() => link.ready());
    },
  };
}

/** A class: one for each poll that is parked, ten thousand of them. */
class PollLink implements Link {
  readonly #options: PollTransportOptions;
  readonly #res: ServerResponse;
  readonly #channels: ConnectFrame['channels'];
  readonly #isHeld: boolean;
  readonly #cancelHold: () => void;
  readonly #texts: string[] = [];
  #bytes = 0;
  #isReady = false;
  #isTelling = false;
  #isAnswering = false;

  constructor(
    res: ServerResponse,
    { holdMs, channels }: ConnectFrame,
    options: PollTransportOptions,
  ) {
    const { limits, timers } = options;
    this.#options = options;
    this.#res = res;
    this.#channels = channels;
    const heldMs = Math.min(holdMs ?? limits.maxHoldMs, limits.maxHoldMs);
    this.#isHeld = heldMs > 0;
    this.#cancelHold = timers.after(heldMs === 0 ? MAX_CATCH_UP_MS : heldMs, () => this.#answer());
  }

  get transport(): string {
    return 'poll';
  }

  /** A poll that is held needs no beat: its answer is one. */
  get beatMs(): number {
    return this.#options.limits.maxHoldMs;
  }

  /** Every channel has its verdict and has caught up. */
  ready(): void {
    this.#isReady = true;
    this.#answerSoon();
  }

  send(frames: readonly OutboundFrame[]): void {
    if (this.#res.headersSent) return;
    for (const frame of frames) {
      this.#texts.push(frame.text);
      this.#bytes += frame.text.length;
      this.#isTelling ||= tells(frame, this.#channels);
    }
    this.#answerSoon();
  }

  close(reason: MillraceError | null): void {
    if (this.#res.headersSent) return;
    // Before `hello` it is a refusal, and has a status.
    if (this.#texts.length === 0 && reason !== null) {
      this.#cancelHold();
      this.#options.answerError(this.#res, reason);
      return;
    }
    if (reason !== null) this.#texts.push(encodeServerFrame({ type: 'error', error: reason }));
    this.#answer();
  }

  bufferedBytes(): number {
    return this.#bytes;
  }

  /** At the end of the tick: what comes together is answered together. */
  #answerSoon(): void {
    if (this.#isAnswering || !this.#isReady || (this.#isHeld && !this.#isTelling)) return;
    this.#isAnswering = true;
    setImmediate(() => this.#answer());
  }

  #answer(): void {
    this.#cancelHold();
    const res = this.#res;
    if (res.headersSent || res.destroyed) return;
    const body = `[${this.#texts.join(',')}]`;
    res.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store, no-transform',
      'Content-Length': Buffer.byteLength(body),
    });
    endResponse(res, body);
  }
}

/** Whether a client learns something from it: not from `hello`, a beat, or that it is where it knew it was. */
function tells({ type, text }: OutboundFrame, channels: ConnectFrame['channels']): boolean {
  if (type === 'hello' || type === 'beat' || type === 'you') return false;
  if (type !== 'verdict') return true;
  const frame = parseServerFrame(text);
  if (frame?.type !== 'verdict' || frame.verdict !== 'exact') return true;
  const asked = channels.find((item) => item.channel === frame.channel)?.start;
  const isKnown =
    typeof asked === 'object' &&
    'epoch' in asked &&
    asked.epoch === frame.cursor.epoch &&
    asked.offset === frame.cursor.offset;
  return !isKnown;
}
