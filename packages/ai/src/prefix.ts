// What a run that goes on with another one's answer begins with: the parts that one left, each brought to an end. Pure.
// Rules: RUN-16.

import {
  type Json,
  type RunPart,
  type RunWrite,
  replayParts,
  type ToolPart,
} from '@millrace/protocol/runs';
import { isOmitted } from './bounded.ts';
import type { StoredCall } from './store/tool-calls.ts';
import { UNKNOWN_OUTCOME } from './tools.ts';

type Parts = readonly RunPart[];
type Calls = ReadonlyMap<string, StoredCall>;

/** What is asked behind the answer so far, as the user's word: models go on from there. */
export const GO_ON =
  'Your answer was cut off where it ends above. Go on from exactly there: repeat nothing, and say nothing of the cut.';

/**
 * Of what a run left: nothing of it is open any more, calls that were never whole are gone, and what was too large for
 * the log is whole. None where nothing was said.
 */
export function prefixOf(partial: Json, calls: Calls): Parts {
  // Written as it was folded.
  const left = (Array.isArray(partial) ? partial : []) as Parts;
  const parts = left.flatMap((part) => ended(part, calls));
  return parts.some(({ type }) => type !== 'step') ? parts : [];
}

function ended(part: RunPart, calls: Calls): Parts {
  switch (part.type) {
    case 'step':
      return [{ ...part, finishReason: part.finishReason ?? 'other' }];
    case 'text':
    case 'reasoning':
      return part.text === '' ? [] : [{ ...part, isDone: true }];
    case 'tool':
      return endedTool(part, calls.get(part.callId));
    case 'source':
    case 'file':
    case 'data':
      return [part];
  }
}

function endedTool(part: ToolPart, call: StoredCall | undefined): readonly ToolPart[] {
  if (part.status === 'writing') return [];
  const input = isOmitted(part.input) && call !== undefined ? call.input : part.input;
  const outcome = call?.outcome ?? null;
  if (outcome?.is === 'done') {
    return [{ ...part, input, status: 'done', output: outcome.output, error: null }];
  }
  if (outcome?.is === 'failed') return [{ ...part, input, status: 'failed', error: outcome.error }];
  if (part.status !== 'called') return [{ ...part, input }];
  return [{ ...part, input, status: 'failed', output: null, error: UNKNOWN_OUTCOME }];
}

/** What is still to be written of it; after a takeover perhaps only some of it was. */
export function missingOf(prefix: Parts, written: Parts): readonly RunWrite[] {
  if (prefix.length === 0) return [];
  // The end of the last step is the last that is written.
  const last = prefix.findLastIndex(({ type }) => type === 'step');
  const step = written[last];
  if (written.length >= prefix.length && step?.type === 'step' && step.finishReason !== null)
    return [];
  const events = replayParts(prefix);
  if (written.length === 0) return events;
  // The first step stands.
  return [{ type: 'step-reset', data: { part: 0 } }, ...events.slice(1)];
}
