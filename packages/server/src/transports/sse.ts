// Server-sent events as a carrier: one response that stays open, one frame in each block. What is refused before the
// first frame is an HTTP error, so that a client sees its status. Rules: SSE-1, LINK-7.

import type { ServerResponse } from 'node:http';
import type { MillraceError } from '@millrace/protocol';
import { type ConnectFrame, encodeServerFrame, encodeSse } from '@millrace/protocol/wire';
import type { Attachment, Link, LinkAcceptor, OutboundFrame, Peer } from '../seams/link.ts';
import type { DirectWrites } from './direct-writes.ts';
import { EventStream, type StreamOwner, streamCarrier } from './event-stream.ts';

export interface SseTransport {
  open(res: ServerResponse, connect: ConnectFrame, peer: Peer): void;
}

export interface SseTransportOptions {
  readonly acceptor: LinkAcceptor;
  readonly beatMs: number;
  /** Null: everything goes through the responses. */
  readonly direct: DirectWrites | null;
  readonly answerError: (res: ServerResponse, error: MillraceError) => void;
}

const carrier = streamCarrier(({ text }) => encodeSse({ data: text }));

export function sseTransport(options: SseTransportOptions): SseTransport {
  return {
    open(res, connect, peer) {
      const link = new SseLink(res, options);
      link.attach(options.acceptor.attach(link, connect, peer));
    },
  };
}

/** A class: one for each reader, ten thousand of them idle. */
class SseLink implements Link, StreamOwner {
  readonly #options: SseTransportOptions;
  readonly #stream: EventStream;
  /** Null once the head is out: from then on the stream alone is written to. */
  #res: ServerResponse | null;
  #attachment: Attachment | null = null;

  constructor(res: ServerResponse, options: SseTransportOptions) {
    this.#options = options;
    this.#res = res;
    this.#stream = new EventStream(res, options.direct, this);
  }

  get transport(): string {
    return 'sse';
  }

  get beatMs(): number {
    return this.#options.beatMs;
  }

  attach(attachment: Attachment): void {
    this.#attachment = attachment;
    this.#stream.watch();
  }

  send(frames: readonly OutboundFrame[]): void {
    this.#res = null;
    this.#stream.send(frames, carrier);
  }

  close(reason: MillraceError | null): void {
    if (this.#stream.isOver) return;
    if (this.#res !== null && reason !== null) this.#options.answerError(this.#res, reason);
    else if (reason === null) this.#stream.end();
    else this.#stream.end(encodeSse({ data: encodeServerFrame({ type: 'error', error: reason }) }));
  }

  bufferedBytes(): number {
    return this.#stream.bufferedBytes;
  }

  drained(): void {
    this.#attachment?.drained();
  }

  closed(): void {
    this.#attachment?.closed();
    this.#attachment = null;
  }
}
