// A run as an event stream over HTTP, in whatever protocol: from the beginning, then live, to its end. The response is a
// viewer: when it goes the run goes on. Refuses to own: who may see the run (the route's), what is said (a projection).
// Rules: RUN-11, UI-4.

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { encodeCursor, type MillraceError, toMillraceError } from '@millrace/protocol';
import {
  aiRuns,
  EMPTY_RUN,
  foldRun,
  type RunEvent,
  type RunState,
  type RunWrite,
  replayRun,
} from '@millrace/protocol/runs';
import { encodeSse, encodeSseComment } from '@millrace/protocol/wire';
import type { Hub } from '@millrace/server';
import { anywhere } from '../pen.ts';

/** What is said for an event, each as JSON; `again` where it can't be said, and the reader has to come again. */
export type Projection = (
  before: RunState,
  event: RunEvent | RunWrite,
) => readonly unknown[] | 'again';

export interface ServeOptions {
  readonly runId: string;
  readonly project: Projection;
  /** Beside those of every event stream. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A comment goes out after so long without anything else, ms. Default 15,000. */
  readonly heartbeatMs?: number;
}

const HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  Connection: 'keep-alive',
  'X-Accel-Buffering': 'no',
} as const;

/**
 * Resolves when the response is over: with the run's end (`[DONE]`), cut off where its reader must come again (what
 * can't be said, one that takes nothing in, a hub that closes), or left.
 */
export async function serveRun(
  hub: Hub,
  res: ServerResponse,
  options: ServeOptions,
): Promise<void> {
  const { runId, project, headers, heartbeatMs = 15_000 } = options;
  const channel = aiRuns.of({ runId });
  if (res.closed || res.destroyed) return;
  const left = new AbortController();
  res.once('close', () => left.abort());
  // The first byte before there is an answer: proxies, and whoever waits, see that it was accepted.
  res.writeHead(200, { ...HEADERS, ...headers });
  res.write(encodeSseComment('accepted'));
  const heartbeat = setInterval(() => res.write(encodeSseComment('heartbeat')), heartbeatMs);
  let state: RunState = EMPTY_RUN;
  try {
    for await (const told of hub.follow(channel, { start: 'start', signal: left.signal })) {
      if (told.type === 'end') {
        res.end(encodeSse({ data: '[DONE]' }));
        return;
      }
      const { verdict } = told.type === 'verdict' ? told : { verdict: null };
      // A second verdict says that something is missing here.
      if (verdict !== null && (state.status !== null || verdict.verdict === 'gap')) break;
      const id = encodeCursor(told.type === 'event' ? told.cursor : told.verdict.cursor);
      if (told.type === 'event') {
        if (!(await tell(told.event, id))) break;
      } else if (verdict?.verdict === 'snapshot') {
        const snapshot = verdict.state as RunState;
        for (const event of replayRun(snapshot)) await tell(event, id);
        state = snapshot;
      }
    }
    res.destroy();
  } catch (thrown) {
    // Without an end its reader comes again.
    res.destroy();
    if (!isExpected(toMillraceError(thrown))) throw thrown;
  } finally {
    clearInterval(heartbeat);
  }

  /** False where it can't be told. */
  async function tell(event: RunEvent | RunWrite, id: string): Promise<boolean> {
    const said = project(state, event);
    state = foldRun(state, anywhere(event));
    if (said === 'again') return false;
    if (said.length === 0 || res.closed) return true;
    heartbeat.refresh();
    const text = said.map((one) => encodeSse({ id, data: JSON.stringify(one) })).join('');
    if (res.write(text)) return true;
    // It goes, or takes it all in.
    await once(res, 'drain', { signal: left.signal }).catch(() => undefined);
    return true;
  }
}

function isExpected({ code }: MillraceError): boolean {
  return code === 'link/slow' || code === 'server/shutdown';
}
