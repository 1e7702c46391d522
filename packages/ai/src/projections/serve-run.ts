// A run as an event stream over HTTP, in whatever protocol: from the beginning, then live, to its end. The response is a
// viewer: when it goes the run goes on. Refuses to own: who may see the run (the route's), what is said (a projection).
// Rules: UI-4, VIEW-1.

import type { ServerResponse } from 'node:http';
import { encodeSse, encodeSseComment } from '@millrace/protocol/wire';
import type { Hub } from '@millrace/server';
import { type WatchOptions, watchRun } from './run-feed.ts';
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

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  Connection: 'keep-alive',
  'X-Accel-Buffering': 'no',
} as const;

/** The end of a stream as the AI SDK and OpenAI write it. */
export const DONE: string = encodeSse({ data: '[DONE]' });

/** A whole one of these has to be taken within `slowAfterMs`: less of a long text is no sign that it moves. */
const PIECE_BYTES = 65_536;

/**
 * Resolves when the response is over: with the run's end, cut off where its reader must come again (what can't be said,
 * one that takes nothing in, a hub that closes), or left.
 */
export async function serveRun(
  hub: Hub,
  res: ServerResponse,
  options: ServeOptions,
): Promise<void> {
  const { runId, told, headers, first = '', last = '', resume } = options;
  const { heartbeatMs = 15_000, slowAfterMs = 30_000 } = options;
  if (res.closed || res.destroyed) return;
  const left = new AbortController();
  res.once('close', () => left.abort());
  // The first byte before there is an answer: proxies, and whoever waits, see that it was accepted.
  res.writeHead(200, { ...HEADERS, ...headers });
  res.write(encodeSseComment('accepted') + first);
  const heartbeat = setInterval(() => res.write(encodeSseComment('heartbeat')), heartbeatMs);
  try {
    const { signal } = left;
    const watch = { runId, told, signal, ...(resume !== undefined && { resume }) };
    for await (const news of watchRun(hub, watch)) {
      if (news.type === 'end') {
        res.end(last);
        return;
      }
      const text = news.type === 'begun' ? news.blocks : news.said.blocks;
      if (text === '') continue;
      heartbeat.refresh();
      if (!(await put(res, text, signal, slowAfterMs))) break;
    }
  } finally {
    clearInterval(heartbeat);
    // Without an end its reader comes again.
    if (!res.writableEnded) res.destroy();
  }
}

/** False for one that is gone, or takes nothing in. */
async function put(
  res: ServerResponse,
  text: string,
  signal: AbortSignal,
  slowAfterMs: number,
): Promise<boolean> {
  for (const piece of piecesOf(text)) {
    if (signal.aborted) return false;
    if (res.write(piece)) continue;
    if (!(await hasDrained(res, slowAfterMs))) return false;
  }
  return true;
}

/** Leaves no timer behind: a viewer may have to be waited for at each of its pieces. */
function hasDrained(res: ServerResponse, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(false), withinMs);
    const drained = (): void => settle(true);
    const closed = (): void => settle(false);
    res.on('drain', drained).on('close', closed);
    function settle(isTaken: boolean): void {
      clearTimeout(timer);
      res.off('drain', drained).off('close', closed);
      resolve(isTaken);
    }
  });
}

function* piecesOf(text: string): Generator<string | Uint8Array, void, undefined> {
  if (text.length * 3 <= PIECE_BYTES) {
    yield text;
    return;
  }
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}
