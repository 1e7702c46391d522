// How an owner begins: shuts out whoever had the run before, reads what that one wrote, and counts what it must have cost.
// Refuses to own: the step that was left open (takeover.ts). Rules: RUN-3, RUN-5, RUN-14, RUN-16.

import type { RunPart, RunUsage } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import { partsTokens, promptTokens, toolsTokens } from './estimate.ts';
import type { Answering } from './generation.ts';
import { toModelMessages } from './messages.ts';
import type { Pen } from './pen.ts';
import { missingOf } from './prefix.ts';
import type { RunRow } from './store/run-row.ts';
import { readRun } from './takeover.ts';

export interface Beginning {
  readonly pen: Pen;
  readonly run: RunRow;
  readonly model: string;
  readonly hub: Hub;
  /** What it goes on with; empty for most. */
  readonly prefix: readonly RunPart[];
  /** Aborts when the run is somebody else's. */
  readonly lost: AbortSignal;
}

/**
 * The first event shuts out whoever had the run before: from then on what is read of it is all there is. False where it
 * is somebody else's by then. At the first attempt nobody was before, and nothing waits for it: who has lost the run
 * already learns it from the pen.
 */
export async function begin(beginning: Beginning): Promise<boolean> {
  const { pen, run, model, hub, prefix, lost } = beginning;
  const { conversationId, messageId, fence: attempt } = run;
  const of = { conversationId, messageId, model };
  if (attempt === 1) {
    pen.write([{ type: 'run-start', data: of }, ...missingOf(prefix, [])]);
    return true;
  }
  pen.write([{ type: 'run-resumed', data: { ...of, attempt } }]);
  await pen.flushed();
  const state = await readRun(hub, { runId: run.id, attempt }, lost);
  if (state === null) return false;
  pen.resume(state);
  pen.write(missingOf(prefix, state.parts));
  return true;
}

/**
 * What the owner before had asked the model for, or may have, and no step's end counts: as far as its last beat told,
 * at least what its step needs and what it had said.
 */
export async function lostUsage(
  run: RunRow,
  told: RunUsage,
  own: readonly RunPart[],
  answering: Answering | null,
): Promise<RunUsage> {
  const at = own.findLastIndex(({ type }) => type === 'step');
  const step = own[at];
  const isOpen = step?.type === 'step' && step.finishReason === null;
  const before = toModelMessages(isOpen ? own.slice(0, at) : own);
  const prompt = promptTokens({ prompt: [...(answering?.messages ?? []), ...before] });
  const offered = await toolsTokens(answering?.tools ?? {});
  const said = isOpen ? partsTokens(own.slice(at)) : 0;
  return {
    inputTokens: Math.max(prompt + offered, run.usage.inputTokens - told.inputTokens),
    outputTokens: Math.max(said, run.usage.outputTokens - told.outputTokens),
    isEstimated: true,
  };
}
