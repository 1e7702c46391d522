// An answer as a whole, for who waits for its end.

import { aiRuns, EMPTY_RUN, foldRun, type RunState } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';

/** Null where `signal` aborts before it is over. */
export async function readAnswer(
  hub: Hub,
  aiRunId: string,
  signal: AbortSignal,
): Promise<RunState | null> {
  let state = EMPTY_RUN;
  for await (const told of hub.follow(aiRuns.of({ runId: aiRunId }), { start: 'start', signal })) {
    if (told.type === 'end') return state;
    if (told.type === 'event') state = foldRun(state, told.event);
    // The codec's edge: the snapshot of this contract is its state.
    else if (told.verdict.verdict === 'snapshot') state = told.verdict.state as RunState;
  }
  return null;
}
