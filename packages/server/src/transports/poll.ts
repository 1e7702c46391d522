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

export function pollTransport({
  acceptor,
  limits,
  timers,
  answerError,
}: PollTransportOptions): PollTransport {
  function open(res: ServerResponse, connect: ConnectFrame, peer: Peer): void {
    const texts: string[] = [];
    let bytes = 0;
    let isReady = false;
    let isTelling = false;
    let isAnswering = false;
    const holdMs = Math.min(connect.holdMs ?? limits.maxHoldMs, limits.maxHoldMs);
    const cancelHold = timers.after(holdMs === 0 ? MAX_CATCH_UP_MS : holdMs, answer);

    function answer(): void {
      cancelHold();
      if (res.headersSent || res.destroyed) return;
      const body = `[${texts.join(',')}]`;
      res.writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Cache-Control': 'no-store, no-transform',
        'Content-Length': Buffer.byteLength(body),
      });
      endResponse(res, body);
    }

    /** At the end of the tick: what comes together is answered together. */
    function answerSoon(): void {
      if (isAnswering || !isReady || !(isTelling || holdMs === 0)) return;
      isAnswering = true;
      setImmediate(answer);
    }

    const link: Link = {
      transport: 'poll',
      // A poll that is held needs no beat: its answer is one.
      beatMs: limits.maxHoldMs,
      send(frames) {
        if (res.headersSent) return;
        for (const frame of frames) {
          texts.push(frame.text);
          bytes += frame.text.length;
          isTelling ||= tells(frame, connect);
        }
        answerSoon();
      },
      close(reason) {
        if (res.headersSent) return;
        // Before `hello` it is a refusal, and has a status.
        if (texts.length === 0 && reason !== null) {
          cancelHold();
          answerError(res, reason);
          return;
        }
        if (reason !== null) texts.push(encodeServerFrame({ type: 'error', error: reason }));
        answer();
      },
      bufferedBytes: () => bytes,
    };

    const attachment = acceptor.attach(link, connect, peer);
    watchResponse(
      res,
      () => attachment.drained(),
      () => attachment.closed(),
    );
    void attachment.ready.then(() => {
      isReady = true;
      answerSoon();
    });
  }

  return { open };
}

/** Whether a client learns something from it: not from `hello`, a beat, or that it is where it knew it was. */
function tells({ type, text }: OutboundFrame, { channels }: ConnectFrame): boolean {
  if (type === 'hello' || type === 'beat') return false;
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
