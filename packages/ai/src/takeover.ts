// Going on with a run whose owner died: what it had written, and the step that it left open. Rules: RUN-3, RUN-9.

import type { RunWrite } from '@millrace/protocol/runs';
import {
  aiRuns,
  EMPTY_RUN,
  foldRun,
  type RunPart,
  type RunState,
  type ToolPart,
} from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import type { CallOutcome } from './store/tool-calls.ts';

/**
 * The run as it is when `run-resumed` of this attempt is read: nobody before can have written behind that. Null where
 * somebody later has, or the signal says to stop.
 */
export async function readRun(
  hub: Hub,
  { runId, attempt }: { readonly runId: string; readonly attempt: number },
  signal: AbortSignal,
): Promise<RunState | null> {
  let state = EMPTY_RUN;
  for await (const told of hub.follow(aiRuns.of({ runId }), { start: 'start', signal })) {
    if (told.type === 'event') state = foldRun(state, told.event);
    else if (told.type === 'verdict' && told.verdict.verdict === 'snapshot') {
      state = told.verdict.state as RunState;
    }
    if (state.attempt >= attempt) break;
  }
  return state.attempt === attempt ? state : null;
}

/**
 * Ends the open step, if there is one: with the calls that were made in it, each with an outcome, or as if it had not
 * begun. What its model would have said further nobody knows; what it called may have had effects. A call without an
 * outcome (null: it is the client's to make) stays as it is.
 */
export async function mendStep(
  parts: readonly RunPart[],
  outcomeOf: (call: ToolPart) => Promise<CallOutcome | null>,
): Promise<readonly RunWrite[]> {
  const at = parts.findLastIndex((part) => part.type === 'step');
  const step = parts[at];
  if (step?.type !== 'step' || step.finishReason !== null) return [];
  if (!parts.slice(at).some(isCalled)) return [{ type: 'step-reset', data: { part: at } }];
  const events: RunWrite[] = [];
  for (const [part, one] of parts.entries()) {
    if (part < at || one.type !== 'tool' || !isOpen(one)) continue;
    const outcome = await outcomeOf(one);
    if (outcome === null) continue;
    if (outcome.is === 'done') {
      events.push({ type: 'tool-result', data: { part, output: outcome.output } });
    } else {
      const { callId, name, isRemote } = one;
      const { error } = outcome;
      events.push({ type: 'tool-error', data: { part, callId, name, isRemote, error } });
    }
  }
  const unknown = { inputTokens: 0, outputTokens: 0, isEstimated: true };
  events.push({ type: 'step-end', data: { part: at, finishReason: 'tool-calls', ...unknown } });
  return events;
}

/** Nothing came of it yet. */
function isOpen({ status }: ToolPart): boolean {
  return status === 'writing' || status === 'called';
}

function isCalled(part: RunPart): boolean {
  // What a provider runs has no effect here, and is its own to make again.
  if (part.type !== 'tool' || part.isRemote) return false;
  return part.status !== 'writing' && part.status !== 'refused';
}
