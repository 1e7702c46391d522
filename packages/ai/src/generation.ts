// One attempt's generation: the AI SDK's loop of model and tools, written down as it goes. Rules: RUN-4, RUN-9, RUN-10.

import type { RunPart } from '@millrace/protocol/runs';
import { isStepCount, type LanguageModel, type ModelMessage, streamText, type ToolSet } from 'ai';
import { toModelMessages } from './messages.ts';
import type { Pen } from './pen.ts';
import { createTranscript } from './transcript.ts';

/** So many characters may wait to be appended before the model is read on. */
const MAX_WAITING = 64_000;

/** How a run is answered. */
export interface Answering {
  readonly model: LanguageModel;
  /** The conversation so far, the question at its end. */
  readonly messages: readonly ModelMessage[];
  readonly instructions?: string;
  readonly tools?: ToolSet;
  /** Names of tools that may be called again with the same key where nobody knows what came of a call. Default none. */
  readonly idempotentTools?: readonly string[];
  /** Temperature, top-p and the like, as `streamText` takes them. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface GenerationOptions {
  readonly pen: Pen;
  readonly answering: Answering;
  /** As a run calls them. */
  readonly tools: ToolSet;
  /** Breaks it off. */
  readonly signal: AbortSignal;
  /** Where it goes on: the parts so far, nothing left out of them. */
  readonly parts: readonly RunPart[];
  readonly maxSteps: number;
  describeError(error: unknown): string;
}

/** From where the pen stands to the end of the answer. Resolves with the model's failure, or undefined. */
export async function generate(options: GenerationOptions): Promise<unknown> {
  const { pen, answering, tools, signal, parts, describeError } = options;
  const steps = parts.filter((part) => part.type === 'step').length;
  const { model, messages, instructions, settings } = answering;
  const { stream } = streamText({
    ...settings,
    ...(instructions === undefined ? {} : { instructions }),
    model,
    messages: [...messages, ...toModelMessages(parts)],
    tools,
    stopWhen: isStepCount(options.maxSteps - steps),
    abortSignal: signal,
    // It comes out of the stream too.
    onError: () => undefined,
  });
  const transcript = createTranscript({
    from: parts.length,
    callIds: parts.flatMap((part) => (part.type === 'tool' ? [part.callId] : [])),
    describeToolError: describeError,
  });
  let failure: unknown;
  try {
    for await (const part of stream) {
      // What being lost makes of texts and tools is nobody's word on them.
      if (pen.lost.aborted) break;
      if (part.type === 'error') failure = part.error;
      pen.write(transcript.take(part));
      if (pen.waiting > MAX_WAITING) await pen.flushed();
    }
  } catch (error) {
    // The model's line broke in the middle of an answer.
    failure ??= error;
  }
  return failure;
}

/** Whether there is nothing to generate any more: it was all said, by somebody who died before they could say so. */
export function isAllSaid(parts: readonly RunPart[], maxSteps: number): boolean {
  const steps = parts.filter((part) => part.type === 'step');
  const last = steps.at(-1)?.finishReason ?? null;
  if (last === null) return false;
  if (last !== 'tool-calls' || steps.length >= maxSteps) return true;
  // Its client has a call to make: what comes of that is another run's.
  return parts.some((part) => part.type === 'tool' && part.status === 'called');
}
