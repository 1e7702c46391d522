// What every `text/event-stream` answer needs: headers that forbid caching, transforming and buffering, no Nagle, and a
// report of its end. Rules: SSE-1.

import type { ServerResponse } from 'node:http';
import type { Attachment } from '../seams/link.ts';

/** How long a response may take to hand over its last bytes after its end, ms. */
const FLUSH_WITHIN_MS = 1_500;

/** The head goes out with the first bytes that are written. */
export function beginEventStream(res: ServerResponse): void {
  res.socket?.setNoDelay(true);
  res.writeHead(200, {
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store, no-transform',
    // nginx and those who learned from it buffer an answer unless this forbids it.
    'X-Accel-Buffering': 'no',
  });
}

export function watchResponse(res: ServerResponse, attachment: Attachment): void {
  res.on('drain', attachment.drained);
  res.on('close', attachment.closed);
  // Its end is reported by `close`; an error must only not end the process.
  res.on('error', () => undefined);
  // Gone while its body was read or its user looked up: `close` will not come a second time.
  if (res.destroyed || res.closed) attachment.closed();
}

/** Ends the response; a peer that takes nothing in would keep it open for ever. */
export function endResponse(res: ServerResponse, lastText = ''): void {
  res.end(lastText);
  const timer = setTimeout(() => res.destroy(), FLUSH_WITHIN_MS).unref();
  res.once('close', () => clearTimeout(timer));
}
