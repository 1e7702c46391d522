// What the AI SDK says while it generates, as events of the run's channel: gives every part its place in the message.
// Owns the names that parts have within a step. Refuses to own: when events go out (window.ts), how a run ends (owner).
// Rules: RUN-1, RUN-2.

import type { FinishReason, RunUsage, RunWrite } from '@millrace/protocol/runs';
import type { LanguageModelUsage, TextStreamPart, ToolSet } from 'ai';
import { newCallId } from './call-id.ts';
import { jsonOf } from './json-of.ts';

type StreamPart = TextStreamPart<ToolSet>;

export interface TranscriptOptions {
  /** The place of the first part: how many the message has already. */
  readonly from: number;
  /** Of calls that the message has already: a model may use them again in another step. */
  readonly callIds?: Iterable<string>;
  /** What a step took of which the SDK says this. Default: what it says. */
  readonly usageOf?: (told: LanguageModelUsage) => RunUsage;
  /** What readers and, after a takeover, the model are told of a tool's failure. */
  describeToolError(error: unknown): string;
}

export interface Transcript {
  /** In the order of the stream. Empty for what a run does not keep. */
  take(part: StreamPart): readonly RunWrite[];
}

export function createTranscript(options: TranscriptOptions): Transcript {
  const { from, describeToolError, usageOf = tokensOf } = options;
  const used = new Set(options.callIds);
  /** Of this step, by the model's id. */
  const callIds = new Map<string, string>();
  function callIdOf(raw: string): string {
    const known = callIds.get(raw);
    if (known !== undefined) return known;
    const callId = newCallId(raw, used);
    used.add(callId);
    callIds.set(raw, callId);
    return callId;
  }

  let next = from;
  let step = from;
  /** Places of this step's parts, by kind and the model's id. */
  const places = new Map<string, number>();

  function begin(name: string): number {
    places.set(name, next);
    next += 1;
    return next - 1;
  }
  const placeOf = (name: string): number => places.get(name) ?? begin(name);

  function startStep(): readonly RunWrite[] {
    // Ids of a step mean something else in the next one.
    places.clear();
    callIds.clear();
    step = next;
    next += 1;
    return [{ type: 'step-start', data: { part: step } }];
  }

  return {
    take(part) {
      switch (part.type) {
        case 'start-step':
          return startStep();
        case 'finish-step': {
          const finishReason = reasonOf(part.finishReason);
          const data = { part: step, finishReason, ...usageOf(part.usage) };
          return [{ type: 'step-end', data }];
        }
        case 'text-start':
        case 'reasoning-start':
          return [{ type: part.type, data: { part: begin(textName(part)) } }];
        case 'text-delta':
        case 'reasoning-delta':
          if (part.text === '') return [];
          return [{ type: part.type, data: { part: placeOf(textName(part)), text: part.text } }];
        case 'text-end':
        case 'reasoning-end': {
          const provider = jsonOf(part.providerMetadata);
          return [{ type: part.type, data: { part: placeOf(textName(part)), provider } }];
        }
        case 'source': {
          const isPage = part.sourceType === 'url';
          const data = {
            part: begin(`source:${part.id}`),
            id: part.id,
            url: isPage ? part.url : null,
            mediaType: isPage ? null : part.mediaType,
            title: part.title ?? null,
          };
          return [{ type: 'source', data }];
        }
        case 'file': {
          const { mediaType, base64 } = part.file;
          const url = `data:${mediaType};base64,${base64}`;
          return [{ type: 'file', data: { part: begin(`file:${next}`), url, mediaType } }];
        }
        case 'tool-input-start': {
          const { id, toolName: name } = part;
          const data = { callId: callIdOf(id), name, isRemote: part.providerExecuted === true };
          return [{ type: 'tool-start', data: { part: begin(`tool:${id}`), ...data } }];
        }
        case 'tool-input-delta':
          if (part.delta === '') return [];
          return [
            { type: 'tool-delta', data: { part: placeOf(`tool:${part.id}`), text: part.delta } },
          ];
        case 'tool-call': {
          // Its error is all that comes of it.
          if (part.invalid === true) return [];
          const data = { ...toolOf(part), provider: jsonOf(part.providerMetadata) };
          return [{ type: 'tool-call', data: { ...data, input: jsonOf(part.input) } }];
        }
        case 'tool-result': {
          const data = { part: placeOf(`tool:${part.toolCallId}`), output: jsonOf(part.output) };
          return [{ type: part.preliminary === true ? 'tool-output' : 'tool-result', data }];
        }
        case 'tool-error':
          return [
            { type: 'tool-error', data: { ...toolOf(part), error: describeToolError(part.error) } },
          ];
        default:
          // How it ends is the owner's; what is raw, custom or asks for an approval is not kept.
          return [];
      }
    },
  };

  function toolOf(part: {
    readonly toolCallId: string;
    readonly toolName: string;
    readonly providerExecuted?: boolean | undefined;
  }) {
    return {
      part: placeOf(`tool:${part.toolCallId}`),
      callId: callIdOf(part.toolCallId),
      name: part.toolName,
      isRemote: part.providerExecuted === true,
    };
  }
}

function textName({ type, id }: { readonly type: string; readonly id: string }): string {
  return `${type.startsWith('text') ? 'text' : 'reasoning'}:${id}`;
}

function tokensOf({ inputTokens, outputTokens }: LanguageModelUsage): RunUsage {
  // A provider that says nothing of one of them has not counted.
  const isEstimated = inputTokens === undefined || outputTokens === undefined;
  return { inputTokens: inputTokens ?? 0, outputTokens: outputTokens ?? 0, isEstimated };
}

function reasonOf(reason: string): FinishReason {
  return REASONS.find((one) => one === reason) ?? 'other';
}

const REASONS: readonly FinishReason[] = [
  'stop',
  'length',
  'content-filter',
  'tool-calls',
  'error',
  'other',
];
