// The shortest way to a state: events, a few for each part however long it took to write, that fold to it. What a late
// viewer of another protocol is told, so that each protocol needs to know events alone. Pure. Rules: RUN-11.

import type { RunWrite } from './fold-run.ts';
import {
  isFinalStatus,
  type RunPart,
  type RunState,
  type RunUsage,
  type StepPart,
  type ToolPart,
} from './run-state.ts';

/** For every state that events of one run make: folded from nothing, these make it again. */
export function replayRun(state: RunState): readonly RunWrite[] {
  const { status, conversationId, messageId, attempt, model, stoppedBy } = state;
  if (status === null) return [];
  const ids = { conversationId, messageId };
  const events: RunWrite[] = [{ type: 'run-accepted', data: ids }];
  if (model !== null) {
    events.push({ type: 'run-start', data: { ...ids, model } });
    if (attempt > 1) events.push({ type: 'run-resumed', data: { ...ids, attempt, model } });
  }
  // What all steps took together, at once.
  if (isAny(state.usage)) events.push({ type: 'run-usage', data: state.usage });
  events.push(...replayParts(state.parts));
  if (stoppedBy !== null) events.push({ type: 'run-stopping', data: { by: stoppedBy } });
  if (isFinalStatus(status)) {
    const { finishReason, error, usage } = state;
    events.push({ type: 'run-end', data: { status, finishReason, error, ...usage } });
  }
  return events;
}

const NOTHING: RunUsage = { inputTokens: 0, outputTokens: 0, isEstimated: false };

function isAny({ inputTokens, outputTokens, isEstimated }: RunUsage): boolean {
  return inputTokens > 0 || outputTokens > 0 || isEstimated;
}

/** The same for its parts alone, from the first one on. */
export function replayParts(parts: readonly RunPart[]): readonly RunWrite[] {
  const events: RunWrite[] = [];
  let open: { readonly step: StepPart; readonly part: number } | null = null;
  function endStep(): void {
    if (open === null || open.step.finishReason === null) return;
    const { finishReason } = open.step;
    events.push({ type: 'step-end', data: { part: open.part, finishReason, ...NOTHING } });
  }
  for (const [part, one] of parts.entries()) {
    if (one.type === 'step') {
      endStep();
      open = { step: one, part };
    }
    events.push(...replayPart(one, part));
  }
  endStep();
  return events;
}

function replayPart(one: RunPart, part: number): readonly RunWrite[] {
  switch (one.type) {
    case 'step':
      return [{ type: 'step-start', data: { part } }];
    case 'text':
    case 'reasoning': {
      const { type, text, isDone, provider } = one;
      return [
        { type: `${type}-start`, data: { part } },
        ...(text === '' ? [] : [{ type: `${type}-delta`, data: { part, text } } as const]),
        ...(isDone ? [{ type: `${type}-end`, data: { part, provider } } as const] : []),
      ];
    }
    case 'tool':
      return replayTool(one, part);
    case 'source': {
      const { id, url, mediaType, title } = one;
      return [{ type: 'source', data: { part, id, url, mediaType, title } }];
    }
    case 'file': {
      const { url, mediaType } = one;
      return [{ type: 'file', data: { part, url, mediaType } }];
    }
    case 'data': {
      const { name, id, value } = one;
      return [{ type: 'data', data: { part, name, id, value } }];
    }
  }
}

function replayTool(one: ToolPart, part: number): readonly RunWrite[] {
  const { callId, name, isRemote, status, inputText, input, output, error, provider } = one;
  const at = { part, callId, name, isRemote };
  const events: RunWrite[] = [{ type: 'tool-start', data: at }];
  if (inputText !== '') events.push({ type: 'tool-delta', data: { part, text: inputText } });
  if (status !== 'writing' && status !== 'refused') {
    events.push({ type: 'tool-call', data: { ...at, input, provider } });
  }
  if (status === 'done') events.push({ type: 'tool-result', data: { part, output } });
  else if (output !== null) events.push({ type: 'tool-output', data: { part, output } });
  if (status === 'failed' || status === 'refused') {
    events.push({ type: 'tool-error', data: { ...at, error: error ?? '' } });
  }
  return events;
}
