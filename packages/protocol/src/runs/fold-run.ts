// The one fold of a run's events: server, database and page have the same message of the same events. Total: what does
// not fit (a part that is not there, an event behind the end) changes nothing.

import type { EventInput, EventOf } from '../contract.ts';
import type { RunEventSchemas } from './run-events.ts';
import {
  isFinalStatus,
  type RunPart,
  type RunState,
  type RunUsage,
  type TextPart,
  type ToolPart,
} from './run-state.ts';

export type RunEvent = EventOf<RunEventSchemas>;

/** An event of a run without its place in the channel, which does not matter to the fold. */
export type RunWrite = EventInput<RunEventSchemas>;

export function foldRun(state: RunState, event: RunWrite): RunState {
  if (isFinalStatus(state.status)) return state;
  switch (event.type) {
    case 'run-accepted': {
      const { conversationId, messageId } = event.data;
      return { ...state, status: state.status ?? 'queued', conversationId, messageId };
    }
    case 'run-start': {
      const { conversationId, messageId, model } = event.data;
      const status = awake(state);
      return { ...state, status, conversationId, messageId, model, attempt: 1 };
    }
    case 'run-resumed': {
      const { conversationId, messageId, model, attempt } = event.data;
      const status = awake(state);
      return { ...state, status, conversationId, messageId, model, attempt };
    }
    case 'run-stopping':
      return { ...state, status: 'stopping', stoppedBy: event.data.by };
    case 'run-usage':
      return { ...state, usage: addUsage(state.usage, event.data) };
    case 'run-end': {
      const { status, finishReason, error } = event.data;
      return { ...state, status, finishReason, error, usage: usageOf(event.data) };
    }
    default: {
      const parts = foldPart(state.parts, event);
      const usage = event.type === 'step-end' ? addUsage(state.usage, event.data) : state.usage;
      return parts === state.parts ? state : { ...state, parts, usage };
    }
  }
}

function usageOf({ inputTokens, outputTokens, isEstimated }: RunUsage): RunUsage {
  return { inputTokens, outputTokens, isEstimated };
}

/** Whoever takes it goes on to stop one that was asked to. */
function awake({ status }: RunState): 'running' | 'stopping' {
  return status === 'stopping' ? status : 'running';
}

function addUsage(sum: RunUsage, step: RunUsage): RunUsage {
  return {
    inputTokens: sum.inputTokens + step.inputTokens,
    outputTokens: sum.outputTokens + step.outputTokens,
    isEstimated: sum.isEstimated || step.isEstimated,
  };
}

type Parts = readonly RunPart[];
type PartEvent = Exclude<RunWrite, { readonly type: `run-${string}` }>;

function foldPart(parts: Parts, event: PartEvent): Parts {
  const { part: at } = event.data;
  switch (event.type) {
    case 'step-start':
      return add(parts, at, { type: 'step', finishReason: null });
    case 'step-end': {
      const { finishReason } = event.data;
      const step = parts[at];
      return step?.type === 'step' ? replace(parts, at, { ...step, finishReason }) : parts;
    }
    case 'step-reset':
      return parts[at]?.type === 'step' ? parts.slice(0, at + 1) : parts;
    case 'text-start':
      return add(parts, at, { type: 'text', text: '', isDone: false, provider: null });
    case 'reasoning-start':
      return add(parts, at, { type: 'reasoning', text: '', isDone: false, provider: null });
    case 'text-delta':
    case 'reasoning-delta': {
      const { text } = event.data;
      return change(parts, at, isText, (part) => ({ ...part, text: part.text + text }));
    }
    case 'text-end':
    case 'reasoning-end': {
      const { provider } = event.data;
      return change(parts, at, isText, (part) => ({ ...part, isDone: true, provider }));
    }
    case 'source': {
      const { id, url, mediaType, title } = event.data;
      return add(parts, at, { type: 'source', id, url, mediaType, title });
    }
    case 'file': {
      const { url, mediaType } = event.data;
      return add(parts, at, { type: 'file', url, mediaType });
    }
    case 'data': {
      const { name, id, value } = event.data;
      const data = { type: 'data', name, id, value } as const;
      return parts[at]?.type === 'data' ? replace(parts, at, data) : add(parts, at, data);
    }
    default:
      return foldTool(parts, event);
  }
}

type ToolEvent = Extract<PartEvent, { readonly type: `tool-${string}` }>;

function foldTool(parts: Parts, event: ToolEvent): Parts {
  const { part: at } = event.data;
  switch (event.type) {
    case 'tool-start':
      return add(parts, at, newTool(event.data));
    case 'tool-delta': {
      const { text } = event.data;
      return change(parts, at, isTool, (part) => ({ ...part, inputText: part.inputText + text }));
    }
    case 'tool-call': {
      const { input, provider } = event.data;
      // Some models give a call without having written its input.
      const called = parts.length === at ? add(parts, at, newTool(event.data)) : parts;
      return change(called, at, isTool, (part) => ({ ...part, status: 'called', input, provider }));
    }
    case 'tool-output':
    case 'tool-result': {
      const { output } = event.data;
      const status = event.type === 'tool-result' ? 'done' : 'called';
      return change(parts, at, isTool, (part) => ({ ...part, status, output }));
    }
    case 'tool-error': {
      const { error } = event.data;
      const failed = parts.length === at ? add(parts, at, newTool(event.data)) : parts;
      return change(failed, at, isTool, (part) => {
        const status = part.status === 'writing' ? 'refused' : 'failed';
        return { ...part, status, error };
      });
    }
  }
}

function newTool(called: Pick<ToolPart, 'callId' | 'name' | 'isRemote'>): ToolPart {
  const { callId, name, isRemote } = called;
  return {
    type: 'tool',
    callId,
    name,
    isRemote,
    status: 'writing',
    inputText: '',
    input: null,
    output: null,
    error: null,
    provider: null,
  };
}

function isText(part: RunPart): part is TextPart {
  return part.type === 'text' || part.type === 'reasoning';
}

function isTool(part: RunPart): part is ToolPart {
  return part.type === 'tool';
}

function add(parts: Parts, at: number, part: RunPart): Parts {
  return at === parts.length ? [...parts, part] : parts;
}

function replace(parts: Parts, at: number, part: RunPart): Parts {
  return parts.with(at, part);
}

function change<Part extends RunPart>(
  parts: Parts,
  at: number,
  isOne: (part: RunPart) => part is Part,
  next: (part: Part) => Part,
): Parts {
  const part = parts[at];
  return part !== undefined && isOne(part) ? replace(parts, at, next(part)) : parts;
}
