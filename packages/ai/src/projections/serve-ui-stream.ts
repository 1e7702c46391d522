// A run as an HTTP response in the AI SDK's UI message stream: from the beginning, then live, to its end. The response
// is a viewer: when it goes the run goes on. Refuses to own: who may see the run (the route's), what is said
// (ui-stream.ts). Rules: UI-1 … UI-4.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { encodeCursor, type MillraceError, toMillraceError } from '@millrace/protocol';
import { aiRuns, EMPTY_RUN, foldRun, type RunState, replayRun } from '@millrace/protocol/runs';
import { encodeSse, encodeSseComment } from '@millrace/protocol/wire';
import type { Hub } from '@millrace/server';
import type { UIMessageChunk } from 'ai';
import { anywhere } from '../pen.ts';
import { toUiChunks, type UiVersion } from './ui-stream.ts';

export interface UiStreamOptions {
  readonly runId: string;
  /** The major version of the `ai` package that reads it. Default 6, which 7 reads too. */
  readonly version?: UiVersion;
  /** A comment goes out after so long without anything else, ms. Default 15,000. */
  readonly heartbeatMs?: number;
}

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  Connection: 'keep-alive',
  'X-Accel-Buffering': 'no',
  'X-Vercel-AI-UI-Message-Stream': 'v1',
} as const;

/**
 * Resolves when the response is over: with the run's end, cut off where its reader must come again (ai 6 and a step that
 * begins anew, one that takes nothing in, a hub that closes), or left.
 */
export async function serveUiStream(
  hub: Hub,
  res: ServerResponse,
  options: UiStreamOptions,
): Promise<void> {
  const { runId, version = 6, heartbeatMs = 15_000 } = options;
  const channel = aiRuns.of({ runId });
  const left = new AbortController();
  res.once('close', () => left.abort());
  // The first byte before there is an answer: proxies, and whoever waits, see that it was accepted.
  res.writeHead(200, HEADERS);
  res.write(encodeSseComment('accepted'));
  const heartbeat = setInterval(() => res.write(encodeSseComment('heartbeat')), heartbeatMs);
  try {
    await tell();
  } catch (thrown) {
    // Without an end its reader comes again.
    res.destroy();
    if (!isExpected(toMillraceError(thrown))) throw thrown;
  } finally {
    clearInterval(heartbeat);
  }

  async function tell(): Promise<void> {
    const { signal } = left;
    let state: RunState = EMPTY_RUN;
    for await (const told of hub.follow(channel, { start: 'start', signal })) {
      if (told.type === 'end') {
        res.end(encodeSse({ data: '[DONE]' }));
        return;
      }
      if (told.type === 'event') {
        const chunks = toUiChunks(state, told.event, version);
        state = foldRun(state, told.event);
        if (chunks === 'again') break;
        await write(chunks, encodeCursor(told.cursor));
        continue;
      }
      const { verdict } = told;
      // A second verdict says that something is missing here.
      if (state.status !== null || verdict.verdict === 'gap') break;
      if (verdict.verdict !== 'snapshot') continue;
      const snapshot = verdict.state as RunState;
      for (const event of replayRun(snapshot)) {
        const chunks = toUiChunks(state, event, version);
        state = foldRun(state, anywhere(event));
        if (chunks !== 'again') await write(chunks, encodeCursor(verdict.cursor));
      }
      state = snapshot;
    }
    res.destroy();
  }

  async function write(chunks: readonly UIMessageChunk[], id: string): Promise<void> {
    if (chunks.length === 0 || res.closed) return;
    const text = chunks.map((chunk) => encodeSse({ id, data: JSON.stringify(chunk) })).join('');
    heartbeat.refresh();
    if (!res.write(text)) await Promise.race([once(res, 'drain'), once(left.signal, 'abort')]);
  }
}

function isExpected({ code }: MillraceError): boolean {
  return code === 'link/slow' || code === 'server/shutdown';
}
