// A run in OpenAI's chat-completions format: chunks for each event of a stream, and the whole answer. Pure. Tools that
// the server runs stay inside; calls of tools that the client brought are told, for the client to make. Rules: RUN-11,
// OAI-1 … OAI-3.

import type {
  FinishReason,
  RunEvent,
  RunPart,
  RunState,
  RunUsage,
  RunWrite,
  ToolPart,
} from '@millrace/protocol/runs';
import type { Told } from './run-places.ts';

export interface OpenAiOptions {
  readonly runId: string;
  /** When the run was accepted, seconds since 1970. */
  readonly createdS: number;
  /** `stream_options.include_usage`: one more chunk with the usage. */
  readonly includesUsage: boolean;
  /** Names of the tools that came with the request. */
  readonly clientTools: ReadonlySet<string>;
}

interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: 'function';
  readonly function: { readonly name?: string; readonly arguments: string };
}

interface Delta {
  readonly role?: 'assistant';
  readonly content?: string;
  /** As several providers name it; clients that don't know it pass over it. */
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCallDelta[];
}

type OpenAiFinish = 'stop' | 'length' | 'tool_calls' | 'content_filter';

interface OpenAiUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export interface OpenAiChunk {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: 0;
    readonly delta: Delta;
    readonly finish_reason: OpenAiFinish | null;
  }[];
  readonly usage?: OpenAiUsage;
}

export interface OpenAiError {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: null;
    readonly code: string;
  };
}

export function openAiStream(options: OpenAiOptions): Told {
  const { runId, createdS, includesUsage, clientTools } = options;
  const key = JSON.stringify(['openai', runId, createdS, includesUsage, [...clientTools].sort()]);
  return { key, project: (before, event) => toOpenAiChunks(before, event, options) };
}

/** `again`: what follows contradicts what was told; the stream is cut off without an end. */
export function toOpenAiChunks(
  before: RunState,
  event: RunEvent | RunWrite,
  options: OpenAiOptions,
): readonly (OpenAiChunk | OpenAiError)[] | 'again' {
  const chunk = chunkOf(options, before.model ?? '');
  const said = (delta: Delta): readonly OpenAiChunk[] => [chunk(delta, null)];
  switch (event.type) {
    case 'run-start':
    case 'run-resumed':
      if (before.model !== null) return [];
      return [chunkOf(options, event.data.model)(FIRST, null)];
    case 'text-delta':
      return said({ content: event.data.text });
    case 'reasoning-delta':
      return said({ reasoning_content: event.data.text });
    case 'tool-start': {
      const { part, name, callId: id } = event.data;
      if (!options.clientTools.has(name)) return [];
      const index = indexOf(before.parts, part, options);
      const call = { index, id, type: 'function', function: { name, arguments: '' } } as const;
      return said({ tool_calls: [call] });
    }
    case 'tool-delta':
      return toolText(before, event.data.part, event.data.text, options, said);
    case 'tool-call': {
      const { part, name, callId: id, input } = event.data;
      if (!options.clientTools.has(name)) return [];
      const known = before.parts[part];
      const isWritten = known?.type === 'tool' && known.inputText !== '';
      if (isWritten) return [];
      const args = JSON.stringify(input);
      if (known !== undefined) return toolText(before, part, args, options, said);
      const index = indexOf(before.parts, part, options);
      const call = { index, id, type: 'function', function: { name, arguments: args } } as const;
      return said({ tool_calls: [call] });
    }
    case 'step-reset':
      return before.parts.slice(event.data.part + 1).some(isTold(options)) ? 'again' : [];
    case 'run-end': {
      const { status, finishReason, error } = event.data;
      if (status === 'failed' || status === 'interrupted') return [errorOf(error, status)];
      const reason = finishOf(finishReason, before.parts, options);
      const last = chunk({}, reason);
      const first = before.model === null ? said(FIRST) : [];
      if (!options.includesUsage) return [...first, last];
      return [...first, last, { ...last, choices: [], usage: usageOf(event.data) }];
    }
    default:
      return [];
  }
}

export interface OpenAiCompletion {
  readonly id: string;
  readonly object: 'chat.completion';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [
    {
      readonly index: 0;
      readonly message: {
        readonly role: 'assistant';
        readonly content: string | null;
        readonly refusal: null;
        readonly tool_calls?: readonly {
          readonly id: string;
          readonly type: 'function';
          readonly function: { readonly name: string; readonly arguments: string };
        }[];
      };
      readonly finish_reason: OpenAiFinish;
      readonly logprobs: null;
    },
  ];
  readonly usage: OpenAiUsage;
}

/** Of a run that ended; an error for one that failed. */
export function toOpenAiCompletion(
  state: RunState,
  options: OpenAiOptions,
): OpenAiCompletion | OpenAiError {
  const { status, error, parts, model, finishReason, usage } = state;
  if (status === 'failed' || status === 'interrupted') return errorOf(error, status);
  const content = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const calls = parts.filter((part) => part.type === 'tool').filter(isClients(options));
  const toolCalls = calls.map(({ callId, name, inputText, input }) => ({
    id: callId,
    type: 'function' as const,
    function: { name, arguments: inputText === '' ? JSON.stringify(input) : inputText },
  }));
  return {
    id: idOf(options),
    object: 'chat.completion',
    created: options.createdS,
    model: model ?? '',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: content === '' && toolCalls.length > 0 ? null : content,
          refusal: null,
          ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
        },
        finish_reason: finishOf(finishReason, parts, options),
        logprobs: null,
      },
    ],
    usage: usageOf(usage),
  };
}

function chunkOf(options: OpenAiOptions, model: string) {
  return (delta: Delta, finish: OpenAiFinish | null): OpenAiChunk => ({
    id: idOf(options),
    object: 'chat.completion.chunk',
    created: options.createdS,
    model,
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
}

function toolText(
  { parts }: RunState,
  part: number,
  text: string,
  options: OpenAiOptions,
  said: (delta: Delta) => readonly OpenAiChunk[],
): readonly OpenAiChunk[] {
  const known = parts[part];
  if (known?.type !== 'tool' || !isClients(options)(known)) return [];
  const index = indexOf(parts, part, options);
  return said({ tool_calls: [{ index, function: { arguments: text } }] });
}

/** Its number among the calls that are told. */
function indexOf(parts: readonly RunPart[], part: number, options: OpenAiOptions): number {
  const isOne = isClients(options);
  return parts.slice(0, part).filter((one) => one.type === 'tool' && isOne(one)).length;
}

function isClients({ clientTools }: OpenAiOptions): (part: ToolPart) => boolean {
  return ({ name }) => clientTools.has(name);
}

function isTold(options: OpenAiOptions): (part: RunPart) => boolean {
  return (part) => {
    if (part.type === 'text' || part.type === 'reasoning') return part.text !== '';
    return part.type === 'tool' && isClients(options)(part);
  };
}

function idOf({ runId }: OpenAiOptions): string {
  return `chatcmpl-${runId}`;
}

const FIRST: Delta = { role: 'assistant', content: '' };

function finishOf(
  reason: FinishReason | null,
  parts: readonly RunPart[],
  options: OpenAiOptions,
): OpenAiFinish {
  switch (reason) {
    case 'length':
      return 'length';
    case 'content-filter':
      return 'content_filter';
    case 'tool-calls': {
      const isOne = isClients(options);
      // Calls of the server's own tools are nothing for the client to make.
      const areTold = parts.some((part) => part.type === 'tool' && isOne(part));
      return areTold ? 'tool_calls' : 'stop';
    }
    default:
      return 'stop';
  }
}

function usageOf({ inputTokens, outputTokens }: RunUsage): OpenAiUsage {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}

function errorOf(message: string | null, code: string): OpenAiError {
  const words = message ?? 'Something went wrong. Try again.';
  return { error: { message: words, type: 'server_error', param: null, code } };
}
