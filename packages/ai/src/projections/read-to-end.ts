// A run as a whole, for who waits for its end. Rules: VIEW-1.

import { MillraceError } from '@millrace/protocol';
import type { RunState } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import { watchRun } from './run-feed.ts';
import type { Told } from './run-places.ts';

const NOTHING: Told = { key: 'nothing', project: () => [] };

/**
 * Resolves with the run as it ended, or null where `signal` aborts before. Waiting is watching: it ends nothing. Asks
 * nobody for permission. Rejects with `server/shutdown` where the hub closes.
 */
export async function readToEnd(
  hub: Hub,
  runId: string,
  signal: AbortSignal,
): Promise<RunState | null> {
  for await (const news of watchRun(hub, { runId, told: NOTHING, signal })) {
    if (news.type === 'end') return news.state;
  }
  if (signal.aborted) return null;
  throw new MillraceError('server/shutdown', 'The answer was broken off here. Ask again.');
}
