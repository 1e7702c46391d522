// A run as a whole, for who waits for its end. Rules: VIEW-1.

import { MillraceError } from '@millrace/protocol';
import type { RunState } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import { watchRun } from './run-feed.ts';
import type { Told } from './run-places.ts';

const NOTHING: Told = { key: 'nothing', project: () => [] };

/**
 * Resolves with the run as it ended, or null where `signal` aborts before. Waiting is watching: it ends nothing. Asks
 * nobody for permission. Rejects with `server/shutdown` where it has to be asked for again: the hub closes, or nothing of
 * the run has come for 15 s.
 */
export function readToEnd(hub: Hub, runId: string, signal: AbortSignal): Promise<RunState | null> {
  const { promise, resolve, reject } = Promise.withResolvers<RunState | null>();
  const watching = watchRun(hub, { runId, told: NOTHING }, (news) => {
    if (news.type === 'end') resolve(news.state);
    if (news.type === 'failed') reject(news.error);
    if (news.type === 'cut') reject(brokenOff());
    return true;
  });
  function leave(): void {
    watching.leave();
    resolve(null);
  }
  if (signal.aborted) leave();
  else signal.addEventListener('abort', leave);
  return promise.finally(() => signal.removeEventListener('abort', leave));
}

function brokenOff(): MillraceError {
  return new MillraceError('server/shutdown', 'The answer was broken off here. Ask again.');
}
