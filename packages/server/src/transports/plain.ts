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
import type { EventBatch, Link, LinkAcceptor, OutboundFrame, Peer } from '../seams/link.ts';
import { beginEventStream, endResponse, watchResponse } from './event-stream.ts';

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
  readonly answerError: (res: ServerResponse, error: MillraceError) => void;
  readonly onError: (error: MillraceError) => void;
}

export function plainTransport(options: PlainTransportOptions): PlainTransport {
  return {
    open(res, connect, peer, { select, beatMs }) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const write = (text: string | Uint8Array): void => {
        if (!res.destroyed && !res.writableEnded) res.write(text);
      };
      /** The position of a reader that has received nothing, until the head is out. */
      let pending: Cursor | null = null;
      let failure: MillraceError | null = null;

      function begin(): void {
        if (res.headersSent || res.destroyed) return;
        beginEventStream(res);
        const position = pending === null ? '' : encodeSse({ id: encodeCursor(pending) });
        write(encodeSseComment('connected') + position);
      }

      function send(frame: OutboundFrame): void {
        if (frame.batch !== null) {
          begin();
          write(encodeBatch(frame, frame.batch));
        } else if (frame.type === 'beat') {
          if (res.headersSent) write(encodeSseComment('heartbeat'));
        } else if (frame.type === 'verdict' || frame.type === 'end') {
          sendControl(frame);
        }
      }

      function sendControl({ text }: OutboundFrame): void {
        const frame = parseServerFrame(text);
        if (frame?.type === 'end') {
          // Nothing was sent yet: the reader had it all, and must not come back (204). Otherwise it learns so then.
          if (!res.headersSent) res.writeHead(204, { 'Cache-Control': 'no-store' });
          endResponse(res);
        }
        if (frame?.type !== 'verdict') return;
        switch (frame.verdict) {
          case 'exact':
            pending = frame.cursor;
            // What follows in the same tick may be the end: then there is no stream to open.
            setImmediate(begin);
            return;
          case 'gap': {
            begin();
            const { cursor, from, to, reason } = frame;
            const data = JSON.stringify({ from, to, reason });
            write(encodeSse({ event: 'gap', id: encodeCursor(cursor), data }));
            return;
          }
          case 'snapshot': {
            begin();
            const { cursor, version, state } = frame;
            const data = JSON.stringify({ version, state });
            write(encodeSse({ event: 'snapshot', id: encodeCursor(cursor), data }));
            return;
          }
          case 'denied':
          case 'unknown':
            refuse(frame.error);
            return;
        }
      }

      /** A status while there is no stream yet, then the stream's last block. */
      function refuse(reason: MillraceError): void {
        if (res.destroyed || res.writableEnded) return;
        if (res.headersSent) endResponse(res, encodeReason(reason));
        else options.answerError(res, reason);
      }

      function encodeBatch(frame: OutboundFrame, batch: EventBatch): string | Uint8Array {
        if (select === undefined) return frame.as(plainCarrier);
        // An id beyond the event that failed would make the reader's next request skip it.
        if (failure !== null) return '';
        try {
          return batch.entries.map((entry) => encodeSelected(entry, batch.epoch)).join('');
        } catch (thrown) {
          fail(thrown);
          return '';
        }
      }

      function encodeSelected(entry: EventBatch['entries'][number], epoch: string): string {
        const selected = select?.(parseEvent(JSON.parse(entry.text)));
        const id = encodeCursor({ epoch, offset: entry.offset });
        // Left out, but passed: a reader that comes back need not be asked about it again.
        if (selected === undefined) return encodeSse({ id });
        return encodeSse({ id, data: JSON.stringify(selected) });
      }

      /** The caller's `select` threw: that harms this response and no other. */
      function fail(thrown: unknown): void {
        if (failure !== null) return;
        failure = toMillraceError(thrown);
        options.onError(failure);
        setImmediate(() => attachment.failed(failure ?? toMillraceError(thrown)));
      }

      const link: Link = {
        transport: 'plain',
        beatMs: beatMs ?? options.beatMs,
        send,
        close(reason) {
          if (reason !== null) refuse(reason);
          else if (!res.destroyed && !res.writableEnded) endResponse(res);
        },
        bufferedBytes: () => res.writableLength,
      };
      const attachment = options.acceptor.attach(link, connect, peer);
      res.once('close', resolve);
      // Gone before it was asked for: `close` does not come again.
      if (res.closed) resolve();
      watchResponse(res, attachment);
      return promise;
    },
  };
}

const plainCarrier = {
  encode({ batch }: OutboundFrame): Buffer {
    if (batch === null) return Buffer.alloc(0);
    const blocks = batch.entries.map(({ offset, text }) =>
      encodeSse({ id: encodeCursor({ epoch: batch.epoch, offset }), data: text }),
    );
    return Buffer.from(blocks.join(''));
  },
};

/** An EventSource reconnects after any end; this tells whoever listens why. Not `error`: that is the browser's own. */
function encodeReason(reason: MillraceError): string {
  const { policy } = reason;
  return encodeSse({ event: 'problem', data: JSON.stringify({ ...reason.toJSON(), policy }) });
}
