// The parts of a run as the messages that a model is given back: after a takeover, and as a conversation's past. Pure.

import type { Json, ProviderNote, RunPart, ToolPart } from '@millrace/protocol/runs';
import type { JSONValue, ModelMessage } from 'ai';

type AssistantContent = Exclude<Extract<ModelMessage, { role: 'assistant' }>['content'], string>;
type ToolContent = Extract<ModelMessage, { role: 'tool' }>['content'];
type ToolResult = Extract<ToolContent[number], { type: 'tool-result' }>;
type Options = NonNullable<Extract<AssistantContent[number], { type: 'text' }>['providerOptions']>;

/**
 * Each step is an assistant's message and, where tools were called, one of their results. A call that has no outcome
 * yet is left out: models refuse one without.
 */
export function toModelMessages(parts: readonly RunPart[]): ModelMessage[] {
  const messages: ModelMessage[] = [];
  for (const step of stepsOf(parts)) {
    const content = step.flatMap(contentOf);
    if (content.length > 0) messages.push({ role: 'assistant', content });
    const results = step.flatMap(resultOf);
    if (results.length > 0) messages.push({ role: 'tool', content: results });
  }
  return messages;
}

function stepsOf(parts: readonly RunPart[]): readonly (readonly RunPart[])[] {
  const steps: RunPart[][] = [];
  for (const part of parts) {
    if (part.type === 'step') steps.push([]);
    else steps.at(-1)?.push(part);
  }
  return steps;
}

function contentOf(part: RunPart): AssistantContent {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      if (part.text === '') return [];
      return [{ type: part.type, text: part.text, ...optionsOf(part.provider) }];
    case 'tool': {
      if (!hasOutcome(part)) return [];
      const { callId: toolCallId, name: toolName, input, isRemote } = part;
      const call = { type: 'tool-call', toolCallId, toolName, input } as const;
      const whole = {
        ...call,
        ...(isRemote && { providerExecuted: true }),
        ...optionsOf(part.provider),
      };
      return isRemote ? [whole, resultFrom(part)] : [whole];
    }
    case 'step':
    case 'source':
    case 'file':
    case 'data':
      return [];
  }
}

function resultOf(part: RunPart): ToolContent {
  return part.type === 'tool' && hasOutcome(part) && !part.isRemote ? [resultFrom(part)] : [];
}

function resultFrom({ callId, name, status, output, error }: ToolPart): ToolResult {
  return {
    type: 'tool-result',
    toolCallId: callId,
    toolName: name,
    output:
      status === 'failed'
        ? { type: 'error-text', value: error ?? 'It failed.' }
        : typeof output === 'string'
          ? { type: 'text', value: output }
          : { type: 'json', value: output as JSONValue },
  };
}

function hasOutcome({ status }: ToolPart): boolean {
  return status === 'done' || status === 'failed';
}

/** What a provider wanted back, as it gave it. */
function optionsOf(note: ProviderNote): { providerOptions?: Options } {
  return isObject(note) ? { providerOptions: note as Options } : {};
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
