// Server-sent events as a carrier: one response that stays open, one frame in each block. What is refused before the
// first frame is an HTTP error, so that a client sees its status. Rules: SSE-1, LINK-7.

import type { ServerResponse } from 'node:http';
import type { MillraceError } from '@millrace/protocol';
import { type ConnectFrame, encodeServerFrame, encodeSse } from '@millrace/protocol/wire';
import type { Carrier, Link, LinkAcceptor, Peer } from '../seams/link.ts';
import { beginEventStream, endResponse, watchResponse } from './event-stream.ts';

export interface SseTransport {
  open(res: ServerResponse, connect: ConnectFrame, peer: Peer): void;
}

export interface SseTransportOptions {
  readonly acceptor: LinkAcceptor;
  readonly beatMs: number;
  readonly answerError: (res: ServerResponse, error: MillraceError) => void;
}

const carrier: Carrier = { encode: ({ text }) => Buffer.from(encodeSse({ data: text })) };

export function sseTransport(options: SseTransportOptions): SseTransport {
  return {
    open(res, connect, peer) {
      const attachment = options.acceptor.attach(createLink(res, options), connect, peer);
      watchResponse(res, attachment);
    },
  };
}

function createLink(res: ServerResponse, options: SseTransportOptions): Link {
  return {
    transport: 'sse',
    beatMs: options.beatMs,
    send(frame) {
      if (res.destroyed || res.writableEnded) return;
      if (!res.headersSent) beginEventStream(res);
      res.write(frame.as(carrier));
    },
    close(reason) {
      if (res.destroyed || res.writableEnded) return;
      if (!res.headersSent && reason !== null) {
        options.answerError(res, reason);
      } else if (reason === null) {
        endResponse(res);
      } else {
        endResponse(res, encodeSse({ data: encodeServerFrame({ type: 'error', error: reason }) }));
      }
    },
    bufferedBytes: () => res.writableLength,
  };
}
