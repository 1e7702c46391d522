// A run as AG-UI events, which HttpAgent and CopilotKit read. Pure. What is open is known from the message so far, so that
// everything is closed before the end. Rules: RUN-11, AGUI-1 … AGUI-3.

import type { Json, RunEvent, RunPart, RunState, RunWrite } from '@millrace/protocol/runs';
import type { AgUiMessage } from './ag-ui-input.ts';
import { messagesOf, parentId, partId, resultId, textId } from './ag-ui-messages.ts';
import type { Told } from './run-places.ts';

/** The major version of the protocol that the client speaks: 1 since `@ag-ui/client` 1.0, before it 0. */
export type AgUiVersion = 0 | 1;

export interface AgUiOptions {
  readonly threadId: string;
  /** The run's id in the client's words: its `RunAgentInput.runId`. */
  readonly clientRunId: string;
  readonly version: AgUiVersion;
  /**
   * The messages that the client posted. With them a step that begins anew is told, by what stands of all messages;
   * without, the stream is cut off there.
   */
  readonly messages?: readonly AgUiMessage[];
}

interface OfMessage {
  readonly messageId: string;
}

interface OfCall {
  readonly toolCallId: string;
}

export type AgUiEvent =
  | { readonly type: 'RUN_STARTED'; readonly threadId: string; readonly runId: string }
  | {
      readonly type: 'RUN_FINISHED';
      readonly threadId: string;
      readonly runId: string;
      readonly outcome?: { readonly type: 'cancelled' };
    }
  | { readonly type: 'RUN_ERROR'; readonly message: string; readonly code: string }
  | { readonly type: 'STEP_STARTED' | 'STEP_FINISHED'; readonly stepName: string }
  | (OfMessage & { readonly type: 'TEXT_MESSAGE_START'; readonly role: 'assistant' })
  | (OfMessage & { readonly type: 'REASONING_MESSAGE_START'; readonly role: 'reasoning' })
  | (OfMessage & {
      readonly type: 'TEXT_MESSAGE_CONTENT' | 'REASONING_MESSAGE_CONTENT';
      readonly delta: string;
    })
  | (OfMessage & {
      readonly type:
        | 'TEXT_MESSAGE_END'
        | 'REASONING_START'
        | 'REASONING_MESSAGE_END'
        | 'REASONING_END';
    })
  | (OfCall & {
      readonly type: 'TOOL_CALL_START';
      readonly toolCallName: string;
      readonly parentMessageId: string;
    })
  | (OfCall & { readonly type: 'TOOL_CALL_ARGS'; readonly delta: string })
  | (OfCall & { readonly type: 'TOOL_CALL_END' })
  | (OfCall &
      OfMessage & {
        readonly type: 'TOOL_CALL_RESULT';
        readonly content: string;
        readonly role: 'tool';
      })
  | { readonly type: 'MESSAGES_SNAPSHOT'; readonly messages: readonly AgUiMessage[] }
  | { readonly type: 'CUSTOM'; readonly name: string; readonly value: Json };

export function agUiStream(options: AgUiOptions): Told {
  const { threadId, clientRunId, version, messages = null } = options;
  return {
    key: JSON.stringify(['ag-ui', version, threadId, clientRunId, messages]),
    project: (before, event) => toAgUiEvents(before, event, options),
  };
}

/** `again`: what follows contradicts what was told, and there is nothing to take it back with. */
export function toAgUiEvents(
  before: RunState,
  event: RunEvent | RunWrite,
  options: AgUiOptions,
): readonly AgUiEvent[] | 'again' {
  const { parts, messageId } = before;
  switch (event.type) {
    case 'run-accepted':
    case 'run-start':
    case 'run-resumed':
      // Whichever comes first.
      return messageId === '' ? [startOf(options)] : [];
    case 'run-stopping':
    case 'run-usage':
      return [];
    case 'run-end': {
      const first = messageId === '' ? [startOf(options)] : [];
      // What is inside ends first: steps hold parts.
      const steps = parts.flatMap((part, at) => {
        if (part.type !== 'step' || part.finishReason !== null) return [];
        return [{ type: 'STEP_FINISHED', stepName: stepName(parts, at) } as const];
      });
      return [...first, ...closingOf(before), ...steps, endOf(event.data, options)];
    }
    case 'step-start':
      return [{ type: 'STEP_STARTED', stepName: stepName(parts, event.data.part) }];
    case 'step-end':
      return [{ type: 'STEP_FINISHED', stepName: stepName(parts, event.data.part) }];
    case 'step-reset':
      return resetTo(before, event.data.part + 1, options);
    case 'text-start':
    case 'text-delta':
    case 'text-end':
      return textEvents(textId(before, event.data.part), event);
    case 'reasoning-start':
    case 'reasoning-delta':
    case 'reasoning-end':
      return reasoningEvents(partId(before, event.data.part), event);
    case 'source': {
      const { id, url, mediaType, title } = event.data;
      return [{ type: 'CUSTOM', name: 'source', value: { id, url, mediaType, title } }];
    }
    case 'file': {
      const { url, mediaType } = event.data;
      return [{ type: 'CUSTOM', name: 'file', value: { url, mediaType } }];
    }
    case 'data':
      return [{ type: 'CUSTOM', name: event.data.name, value: event.data.value }];
    default:
      return toolEvents(before, event);
  }
}

type EventOf<Type extends string> = Extract<RunWrite, { readonly type: Type }>;

function textEvents(messageId: string, event: EventOf<`text-${string}`>): readonly AgUiEvent[] {
  switch (event.type) {
    case 'text-start':
      return [{ type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' }];
    case 'text-delta': {
      const { text: delta } = event.data;
      return delta === '' ? [] : [{ type: 'TEXT_MESSAGE_CONTENT', messageId, delta }];
    }
    case 'text-end':
      return [{ type: 'TEXT_MESSAGE_END', messageId }];
  }
}

function reasoningEvents(
  messageId: string,
  event: EventOf<`reasoning-${string}`>,
): readonly AgUiEvent[] {
  switch (event.type) {
    case 'reasoning-start':
      return [
        { type: 'REASONING_START', messageId },
        { type: 'REASONING_MESSAGE_START', messageId, role: 'reasoning' },
      ];
    case 'reasoning-delta': {
      const { text: delta } = event.data;
      return delta === '' ? [] : [{ type: 'REASONING_MESSAGE_CONTENT', messageId, delta }];
    }
    case 'reasoning-end':
      return endOfReasoning(messageId);
  }
}

function toolEvents(before: RunState, event: EventOf<`tool-${string}`>): readonly AgUiEvent[] {
  const at = event.data.part;
  const part = before.parts[at];
  const known = part?.type === 'tool' ? part : null;
  const result = (toolCallId: string, content: string): AgUiEvent => ({
    ...{ type: 'TOOL_CALL_RESULT', messageId: resultId(before, at) },
    ...{ toolCallId, content, role: 'tool' },
  });
  switch (event.type) {
    case 'tool-start':
      return [callOf(before, event.data)];
    case 'tool-delta':
      if (known === null || event.data.text === '') return [];
      return [{ type: 'TOOL_CALL_ARGS', toolCallId: known.callId, delta: event.data.text }];
    case 'tool-call': {
      const { callId: toolCallId, input } = event.data;
      const isWritten = known !== null && known.inputText !== '';
      const delta = JSON.stringify(input);
      return [
        ...(known === null ? [callOf(before, event.data)] : []),
        ...(isWritten ? [] : [{ type: 'TOOL_CALL_ARGS', toolCallId, delta } as const]),
        { type: 'TOOL_CALL_END', toolCallId },
      ];
    }
    case 'tool-output':
      return [];
    case 'tool-result': {
      if (known === null) return [];
      const { output } = event.data;
      return [result(known.callId, typeof output === 'string' ? output : JSON.stringify(output))];
    }
    case 'tool-error': {
      const { callId: toolCallId, error } = event.data;
      const isOpen = known === null || known.status === 'writing';
      return [
        ...(known === null ? [callOf(before, event.data)] : []),
        ...(isOpen ? [{ type: 'TOOL_CALL_END', toolCallId } as const] : []),
        result(toolCallId, error),
      ];
    }
  }
}

function startOf({ threadId, clientRunId: runId }: AgUiOptions): AgUiEvent {
  return { type: 'RUN_STARTED', threadId, runId };
}

function endOf(
  { status, error }: EventOf<'run-end'>['data'],
  { threadId, clientRunId: runId, version }: AgUiOptions,
): AgUiEvent {
  switch (status) {
    case 'completed':
      return { type: 'RUN_FINISHED', threadId, runId };
    case 'stopped':
      if (version === 0) return { type: 'RUN_ERROR', message: 'It was stopped.', code: 'STOPPED' };
      return { type: 'RUN_FINISHED', threadId, runId, outcome: { type: 'cancelled' } };
    case 'failed':
    case 'interrupted': {
      const message = error ?? 'Something went wrong. Try again.';
      return { type: 'RUN_ERROR', message, code: status };
    }
  }
}

/** Of everything that is open within steps. */
function closingOf(state: RunState): readonly AgUiEvent[] {
  return state.parts.flatMap((part, at): readonly AgUiEvent[] => {
    if (part.type === 'text' && !part.isDone) {
      return [{ type: 'TEXT_MESSAGE_END', messageId: textId(state, at) }];
    }
    if (part.type === 'reasoning' && !part.isDone) return endOfReasoning(partId(state, at));
    if (part.type !== 'tool' || part.status !== 'writing') return [];
    return [{ type: 'TOOL_CALL_END', toolCallId: part.callId }];
  });
}

/** Only the first `count` parts stand. */
function resetTo(
  before: RunState,
  count: number,
  { messages }: AgUiOptions,
): readonly AgUiEvent[] | 'again' {
  if (before.parts.length === count) return [];
  if (messages === undefined) return 'again';
  const all = [...messages, ...messagesOf(before, count)];
  return [...closingOf(before), { type: 'MESSAGES_SNAPSHOT', messages: all }];
}

function endOfReasoning(messageId: string): readonly AgUiEvent[] {
  return [
    { type: 'REASONING_MESSAGE_END', messageId },
    { type: 'REASONING_END', messageId },
  ];
}

function callOf(
  state: RunState,
  {
    part: at,
    callId,
    name,
  }: { readonly part: number; readonly callId: string; readonly name: string },
): AgUiEvent {
  const parentMessageId = parentId(state, at);
  return { type: 'TOOL_CALL_START', toolCallId: callId, toolCallName: name, parentMessageId };
}

function stepName(parts: readonly RunPart[], at: number): string {
  return `step-${parts.slice(0, at).filter(({ type }) => type === 'step').length + 1}`;
}
