// Answers that are no stream: JSON, errors as `{error}` with the status of their code, CORS headers, preflights.
// Rules: ERR-1, ERR-2, HTTP-1, PLAIN-4.

import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ERROR_CODES, type MillraceError } from '@millrace/protocol';
import { encodeSse } from '@millrace/protocol/wire';
import { beginEventStream, endResponse } from '../transports/event-stream.ts';

export function answerJson(res: ServerResponse, status: number, text: string): void {
  if (res.headersSent || res.destroyed) return;
  res.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Length': Buffer.byteLength(text),
  });
  res.end(text);
}

/** Nothing when an answer has begun: then the error goes the stream's own way. */
export function answerError(res: ServerResponse, error: MillraceError): void {
  if (res.headersSent || res.destroyed) return;
  const { status } = ERROR_CODES[error.code];
  const retryAfter = retryAfterSeconds(error, status);
  if (retryAfter !== null) res.setHeader('Retry-After', retryAfter);
  // A body that was not read to its end would be taken for the next request of the connection.
  if (!res.req.complete) res.setHeader('Connection', 'close');
  answerJson(res, status, JSON.stringify({ error }));
}

/** Answers an upgrade with the error's status in place of a 101. */
export function refuseUpgrade(socket: Duplex, error: MillraceError): void {
  const { status } = ERROR_CODES[error.code];
  const retryAfter = retryAfterSeconds(error, status);
  const body = JSON.stringify({ error });
  socket.on('error', () => socket.destroy());
  // Nobody else ends it: the other side could keep its half open for ever.
  socket.once('finish', () => socket.destroy());
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
      'Connection: close',
      // The only one there is: RFC 6455 §4.4 wants it where another was asked for.
      'Sec-WebSocket-Version: 13',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(retryAfter === null ? [] : [`Retry-After: ${retryAfter}`]),
      '',
      body,
    ].join('\r\n'),
  );
}

/**
 * Asks an `EventSource` to come back later: it takes every status but 200 for the end and would never try again, while
 * after a stream that ends it waits for what `retry` says.
 */
export function answerStreamLater(res: ServerResponse, error: MillraceError): void {
  if (res.headersSent || res.destroyed) return;
  const retryAfterMs = error.details?.['retryAfterMs'];
  const data = JSON.stringify({ ...error.toJSON(), policy: error.policy });
  beginEventStream(res);
  endResponse(
    res,
    encodeSse({
      event: 'problem',
      data,
      ...(typeof retryAfterMs === 'number' ? { retryMs: retryAfterMs } : {}),
    }),
  );
}

function retryAfterSeconds(error: MillraceError, status: number): number | null {
  const ms = error.details?.['retryAfterMs'];
  if (typeof ms === 'number') return Math.max(1, Math.ceil(ms / 1_000));
  return status === 429 || status === 503 ? 1 : null;
}

/** `origin` is one that was checked; null sets only what keeps caches apart. */
export function setCorsHeaders(res: ServerResponse, origin: string | null): void {
  res.setHeader('Vary', 'Origin');
  if (origin === null) return;
  res.setHeader('Access-Control-Allow-Origin', origin);
  res.setHeader('Access-Control-Allow-Credentials', 'true');
  res.setHeader('Access-Control-Expose-Headers', 'Retry-After');
}

export function answerPreflight(res: ServerResponse, methods: string): void {
  res.setHeader('Access-Control-Allow-Methods', methods);
  res.setHeader('Access-Control-Allow-Headers', 'Authorization, Content-Type, Last-Event-ID');
  res.setHeader('Access-Control-Max-Age', '600');
  res.writeHead(204, { 'Content-Length': 0 }).end();
}
