// What stands of a run as AG-UI messages, and the ids that they have there: the same as the events that wrote them. Pure.
// Rules: AGUI-1, AGUI-3.

import type { RunPart, RunState, ToolPart } from '@millrace/protocol/runs';
import type { AgUiMessage, AgUiToolCall } from './ag-ui-input.ts';

type Parts = Pick<RunState, 'parts' | 'messageId'>;

/** The first text has the run's message id. */
export function textId({ parts, messageId }: Parts, at: number): string {
  return parts.slice(0, at).some(({ type }) => type === 'text') ? `${messageId}-${at}` : messageId;
}

/** Of any other part. */
export function partId({ messageId }: Parts, at: number): string {
  return `${messageId}-${at}`;
}

export function resultId(state: Parts, at: number): string {
  return `${partId(state, at)}-result`;
}

/** Of the text that a call follows; a call before any text of its step makes a message of its own. */
export function parentId(state: Parts, at: number): string {
  const before = state.parts.slice(0, at);
  const step = before.findLastIndex(({ type }) => type === 'step');
  const text = before.findLastIndex(({ type }) => type === 'text');
  return text > step ? textId(state, text) : partId(state, at);
}

/** Null where there is none yet. */
export function resultOf({ status, output, error }: ToolPart): string | null {
  if (status === 'done') return typeof output === 'string' ? output : JSON.stringify(output);
  return status === 'failed' || status === 'refused' ? (error ?? '') : null;
}

/**
 * The first `count` parts. A client keeps its messages of reasoning whatever it is told, and adds to them by their id: those
 * of later parts are emptied.
 */
export function messagesOf(state: Parts, count: number): readonly AgUiMessage[] {
  const messages: AgUiMessage[] = [];
  for (const [at, part] of state.parts.entries()) {
    if (part.type === 'reasoning') {
      const content = at < count ? part.text : '';
      messages.push({ id: partId(state, at), role: 'reasoning', content });
    } else if (at < count) messages.push(...messageOf(state, part, at));
  }
  return messages;
}

function messageOf(state: Parts, part: RunPart, at: number): readonly AgUiMessage[] {
  if (part.type === 'text') {
    const id = textId(state, at);
    const calls = callsOf(state, id, at);
    const message = { id, role: 'assistant', content: part.text } as const;
    return [{ ...message, ...(calls.length > 0 && { toolCalls: calls }) }];
  }
  if (part.type !== 'tool') return [];
  const id = parentId(state, at);
  const own = id === partId(state, at);
  const content = resultOf(part);
  return [
    ...(own ? [{ id, role: 'assistant', toolCalls: callsOf(state, id, at - 1) } as const] : []),
    ...(content === null
      ? []
      : [{ id: resultId(state, at), role: 'tool', toolCallId: part.callId, content } as const]),
  ];
}

/** Those behind `at` that hang on the message. */
function callsOf(state: Parts, messageId: string, at: number): readonly AgUiToolCall[] {
  return state.parts.flatMap((part, index) => {
    if (part.type !== 'tool' || index <= at || parentId(state, index) !== messageId) return [];
    const { callId: id, name, inputText, input, status } = part;
    const isCalled = status !== 'writing' && status !== 'refused';
    const written = inputText === '' && isCalled ? JSON.stringify(input) : inputText;
    return [{ id, type: 'function', function: { name, arguments: written } } as const];
  });
}
