// Plain server-sent events of one channel, for a native EventSource or `curl -N`: events without frames around them.
// The head waits for the verdict, so that a refusal is a status and an ended channel a 204. Rules: PLAIN-1 … PLAIN-3.

import type { ServerResponse } from 'node:http';
import { type Cursor, encodeCursor, type MillraceError, toMillraceError } from '@millrace/protocol';
import {
  type ConnectFrame,
  encodeSse,
  encodeSseComment,
  parseEvent,
  parseServerFrame,
} from '@millrace/protocol/wire';
import type {
  Attachment,
  EventBatch,
  Link,
  LinkAcceptor,
  OutboundFrame,
  Peer,
} from '../seams/link.ts';
import type { DirectWrites } from './direct-writes.ts';
import { EventStream, type StreamOwner, streamCarrier } from './event-stream.ts';

export interface PlainTransport {
  /** Resolves when the response is over. */
  open(
    res: ServerResponse,
    connect: ConnectFrame,
    peer: Peer,
    options: PlainOptions,
  ): Promise<void>;
}

export interface PlainOptions {
  // A method, so that a selector of one contract's events fits: they are its own channel's.
  select?(event: ReturnType<typeof parseEvent>): unknown;
  readonly beatMs?: number;
}

export interface PlainTransportOptions {
  readonly acceptor: LinkAcceptor;
  readonly beatMs: number;
  /** Null: everything goes through the responses. */
  readonly direct: DirectWrites | null;
  readonly answerError: (res: ServerResponse, error: MillraceError) => void;
  readonly onError: (error: MillraceError) => void;
}

export function plainTransport(options: PlainTransportOptions): PlainTransport {
  return {
    open(res, connect, peer, plainOptions) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const link = new PlainLink(res, options, plainOptions, resolve);
      link.attach(options.acceptor.attach(link, connect, peer));
      return promise;
    },
  };
}

/** A class, so that a reader who idles holds no more than it needs. */
class PlainLink implements Link, StreamOwner {
  readonly #options: PlainTransportOptions;
  readonly #select: PlainOptions['select'];
  readonly #beatMs: number;
  readonly #resolve: () => void;
  readonly #stream: EventStream;
  /** Null once the head is out: from then on the stream alone is written to. */
  #res: ServerResponse | null;
  #attachment: Attachment | null = null;
  /** The position of a reader that has received nothing, until the head is out. */
  #pending: Cursor | null = null;
  #failure: MillraceError | null = null;

  constructor(
    res: ServerResponse,
    options: PlainTransportOptions,
    { select, beatMs }: PlainOptions,
    resolve: () => void,
  ) {
    this.#options = options;
    this.#select = select;
    this.#beatMs = beatMs ?? options.beatMs;
    this.#resolve = resolve;
    this.#res = res;
    this.#stream = new EventStream(res, options.direct, this);
  }

  get transport(): string {
    return 'plain';
  }

  get beatMs(): number {
    return this.#beatMs;
  }

  attach(attachment: Attachment): void {
    this.#attachment = attachment;
    this.#stream.watch();
  }

  send(frames: readonly OutboundFrame[]): void {
    // Nearly always events, and for all readers the same.
    if (this.#select === undefined && this.#res === null && frames.every(isEvents)) {
      this.#stream.send(frames, carrier);
      return;
    }
    for (const frame of frames) this.#sendOne(frame);
  }

  close(reason: MillraceError | null): void {
    if (reason !== null) this.#refuse(reason);
    else this.#stream.end();
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
    this.#resolve();
  }

  #sendOne(frame: OutboundFrame): void {
    if (frame.batch !== null) {
      this.#begin();
      if (this.#select === undefined) this.#stream.send([frame], carrier);
      else this.#write(this.#encodeSelected(frame.batch));
    } else if (frame.type === 'beat') {
      if (this.#res === null) this.#stream.send([frame], carrier);
    } else if (frame.type === 'verdict' || frame.type === 'end') {
      this.#sendControl(frame);
    }
  }

  #begin(): void {
    if (this.#res === null || this.#stream.isOver) return;
    this.#res = null;
    const position = this.#pending === null ? '' : encodeSse({ id: encodeCursor(this.#pending) });
    this.#write(encodeSseComment('connected') + position);
  }

  #write(text: string): void {
    if (text !== '' && !this.#stream.isOver) this.#stream.write(text);
  }

  #sendControl({ text }: OutboundFrame): void {
    const frame = parseServerFrame(text);
    if (frame?.type === 'end') this.#end();
    if (frame?.type !== 'verdict') return;
    switch (frame.verdict) {
      case 'exact':
        this.#pending = frame.cursor;
        // What follows in the same tick may be the end: then there is no stream to open.
        setImmediate(() => this.#begin());
        return;
      case 'gap': {
        this.#begin();
        const { cursor, from, to, reason } = frame;
        const data = JSON.stringify({ from, to, reason });
        this.#write(encodeSse({ event: 'gap', id: encodeCursor(cursor), data }));
        return;
      }
      case 'snapshot': {
        this.#begin();
        const { cursor, version, state } = frame;
        const data = JSON.stringify({ version, state });
        this.#write(encodeSse({ event: 'snapshot', id: encodeCursor(cursor), data }));
        return;
      }
      case 'denied':
      case 'unknown':
        this.#refuse(frame.error);
        return;
    }
  }

  /** Nothing was sent yet: the reader had it all, and must not come back (204). Otherwise it learns so then. */
  #end(): void {
    if (this.#stream.isOver) return;
    this.#res?.writeHead(204, { 'Cache-Control': 'no-store' });
    this.#stream.end();
  }

  /** A status while there is no stream yet, then the stream's last block. */
  #refuse(reason: MillraceError): void {
    if (this.#stream.isOver) return;
    if (this.#res !== null) this.#options.answerError(this.#res, reason);
    else this.#stream.end(encodeReason(reason));
  }

  #encodeSelected({ entries, epoch }: EventBatch): string {
    // An id beyond the event that failed would make the reader's next request skip it.
    if (this.#failure !== null) return '';
    try {
      return entries.map((entry) => this.#encodeOne(entry, epoch)).join('');
    } catch (thrown) {
      this.#fail(toMillraceError(thrown));
      return '';
    }
  }

  #encodeOne(entry: EventBatch['entries'][number], epoch: string): string {
    const selected = this.#select?.(parseEvent(JSON.parse(entry.text)));
    const id = encodeCursor({ epoch, offset: entry.offset });
    // Left out, but passed: a reader that comes back need not be asked about it again.
    if (selected === undefined) return encodeSse({ id });
    return encodeSse({ id, data: JSON.stringify(selected) });
  }

  /** The caller's `select` threw: that harms this response and no other. */
  #fail(failure: MillraceError): void {
    this.#failure = failure;
    this.#options.onError(failure);
    setImmediate(() => this.#attachment?.failed(failure));
  }
}

/** Events and beats as every reader gets them who does not select. */
const carrier = streamCarrier(({ type, batch }) => {
  if (type === 'beat') return encodeSseComment('heartbeat');
  if (batch === null) return '';
  const blocks = batch.entries.map(({ offset, text }) =>
    encodeSse({ id: encodeCursor({ epoch: batch.epoch, offset }), data: text }),
  );
  return blocks.join('');
});

function isEvents({ batch }: OutboundFrame): boolean {
  return batch !== null;
}

/** An EventSource reconnects after any end; this tells whoever listens why. Not `error`: that is the browser's own. */
function encodeReason(reason: MillraceError): string {
  const { policy } = reason;
  return encodeSse({ event: 'problem', data: JSON.stringify({ ...reason.toJSON(), policy }) });
}
