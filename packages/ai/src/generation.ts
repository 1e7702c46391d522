// One attempt's generation: the AI SDK's loop of model and tools, written down as it goes. Rules: RUN-4, RUN-9, RUN-10.

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
  readonly maxSteps: number;
  describeError(error: unknown): string;
}

/** From where the pen stands to the end of the answer. Resolves with the model's failure, or undefined. */
export async function generate(options: GenerationOptions): Promise<unknown> {
  const { pen, answering, tools, signal, describeError } = options;
  const { parts } = pen.state;
  const steps = parts.filter((part) => part.type === 'step');
  const last = steps.at(-1)?.finishReason ?? 'tool-calls';
  // It had said all of it, and died before it could say that it had.
  if (last !== 'tool-calls' || steps.length >= options.maxSteps) return undefined;
  // Its client has a call to make: what comes of that is another run's.
  if (parts.some((part) => part.type === 'tool' && part.status === 'called')) return undefined;
  const { model, messages, instructions, settings } = answering;
  const { stream } = streamText({
    ...settings,
    ...(instructions === undefined ? {} : { instructions }),
    model,
    messages: [...messages, ...toModelMessages(parts)],
    tools,
    stopWhen: isStepCount(options.maxSteps - steps.length),
    abortSignal: signal,
    // It comes out of the stream too.
    onError: () => undefined,
  });
  const transcript = createTranscript({ from: parts.length, describeToolError: describeError });
  let failure: unknown;
  for await (const part of stream) {
    // What being lost makes of texts and tools is nobody's word on them.
    if (pen.lost.aborted) break;
    if (part.type === 'error') failure = part.error;
    pen.write(transcript.take(part));
    if (pen.waiting > MAX_WAITING) await pen.flushed();
  }
  return failure;
}
