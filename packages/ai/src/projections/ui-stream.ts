// A run as the AI SDK's UI message stream, which `useChat` reads: chunks for each event, by what the message was before
// it. Pure. The subset that ai 6 and ai 7 both read, but for one thing: ai 7 can be told that a step begins anew, ai 6
// cannot, and has to come again. Rules: RUN-11, UI-1 … UI-3.

import type { Json, RunEvent, RunState, RunWrite, ToolPart } from '@millrace/protocol/runs';
import type { UIMessageChunk } from 'ai';

type ProviderMetadata = NonNullable<
  Extract<UIMessageChunk, { type: 'text-end' }>['providerMetadata']
>;

/** What reads the stream: the major version of the `ai` package. */
export type UiVersion = 6 | 7;

/** `again`: what follows can't be told here; its reader must read from the beginning. */
export type UiChunks = readonly UIMessageChunk[] | 'again';

export function toUiChunks(
  before: RunState,
  event: RunEvent | RunWrite,
  version: UiVersion,
): UiChunks {
  switch (event.type) {
    case 'run-accepted':
    case 'run-start':
    case 'run-resumed':
      // Whichever comes first.
      if (before.messageId !== '') return [];
      return [{ type: 'start', messageId: event.data.messageId }];
    case 'run-stopping':
    case 'run-usage':
      return [];
    case 'run-end':
      return endOf(event.data);
    case 'step-start':
      return [{ type: 'start-step' }];
    case 'step-end':
      return [{ type: 'finish-step' }];
    case 'step-reset':
      if (before.parts.length === event.data.part + 1) return [];
      return version === 6 ? 'again' : [{ type: 'reset-step' }];
    case 'text-start':
    case 'reasoning-start':
      return [{ type: event.type, id: idOf(event.data) }];
    case 'text-delta':
    case 'reasoning-delta':
      return [{ type: event.type, id: idOf(event.data), delta: event.data.text }];
    case 'text-end':
    case 'reasoning-end':
      return [{ type: event.type, id: idOf(event.data), ...metadataOf(event.data.provider) }];
    case 'source': {
      const { id: sourceId, url, mediaType, title } = event.data;
      if (url !== null) {
        return [{ type: 'source-url', sourceId, url, ...(title !== null && { title }) }];
      }
      const document = { mediaType: mediaType ?? 'text/plain', title: title ?? sourceId };
      return [{ type: 'source-document', sourceId, ...document }];
    }
    case 'file': {
      const { url, mediaType } = event.data;
      return [{ type: 'file', url, mediaType }];
    }
    case 'data': {
      const { name, id, value } = event.data;
      return [{ type: `data-${name}`, ...(id !== '' && { id }), data: value }];
    }
    default:
      return toolChunks(before.parts[event.data.part], event);
  }
}

type ToolEvent = Extract<RunWrite, { readonly type: `tool-${string}` }>;

function toolChunks(part: RunState['parts'][number] | undefined, event: ToolEvent): UiChunks {
  const known = part?.type === 'tool' ? part : null;
  switch (event.type) {
    case 'tool-start':
      return [{ type: 'tool-input-start', ...callOf(event.data) }];
    case 'tool-delta': {
      if (known === null) return [];
      const { callId: toolCallId } = known;
      return [{ type: 'tool-input-delta', toolCallId, inputTextDelta: event.data.text }];
    }
    case 'tool-call': {
      const { input, provider } = event.data;
      const call = { ...callOf(event.data), input, ...metadataOf(provider) };
      return [{ type: 'tool-input-available', ...call }];
    }
    case 'tool-output':
    case 'tool-result': {
      if (known === null) return [];
      const { output } = event.data;
      const preliminary = event.type === 'tool-output' && { preliminary: true };
      return [
        {
          type: 'tool-output-available',
          toolCallId: known.callId,
          output,
          ...remoteOf(known),
          ...preliminary,
        },
      ];
    }
    case 'tool-error': {
      const { callId: toolCallId, error: errorText } = event.data;
      const isRefused = known === null || known.status === 'writing';
      const input = known?.inputText ?? '';
      if (isRefused) return [{ type: 'tool-input-error', ...callOf(event.data), input, errorText }];
      return [{ type: 'tool-output-error', toolCallId, errorText, ...remoteOf(event.data) }];
    }
  }
}

function endOf(data: Extract<RunWrite, { type: 'run-end' }>['data']): readonly UIMessageChunk[] {
  const { status, finishReason, error } = data;
  switch (status) {
    case 'completed':
      return [{ type: 'finish', ...(finishReason !== null && { finishReason }) }];
    case 'stopped':
      return [{ type: 'abort', reason: 'stopped' }];
    case 'failed':
    case 'interrupted':
      return [{ type: 'error', errorText: error ?? 'Something went wrong. Try again.' }];
  }
}

function callOf(call: Pick<ToolPart, 'callId' | 'name' | 'isRemote'>) {
  return { toolCallId: call.callId, toolName: call.name, ...remoteOf(call) };
}

function remoteOf({ isRemote }: Pick<ToolPart, 'isRemote'>): { providerExecuted?: true } {
  return isRemote ? { providerExecuted: true } : {};
}

function idOf({ part }: { readonly part: number }): string {
  return `part-${part}`;
}

function metadataOf(provider: Json): { providerMetadata?: ProviderMetadata } {
  const isObject = typeof provider === 'object' && provider !== null && !Array.isArray(provider);
  return isObject ? { providerMetadata: provider as ProviderMetadata } : {};
}
