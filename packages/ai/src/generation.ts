// One attempt's generation: the AI SDK's loop of model and tools, written down as it goes.
// Rules: RUN-4, RUN-9, RUN-10, RUN-14, RUN-16 … RUN-18.

import type { RunPart } from '@millrace/protocol/runs';
import { isStepCount, type LanguageModel, type ModelMessage, streamText, type ToolSet } from 'ai';
import { asked } from './asking.ts';
import { MAX_WAITING_LENGTH, type RunLimits } from './limits.ts';
import { toModelMessages } from './messages.ts';
import type { Meter } from './meter.ts';
import type { Pen } from './pen.ts';
import { GO_ON } from './prefix.ts';
import { generateText, isTextModel, type TextModel } from './text-model.ts';
import { ToolFailure } from './tools.ts';
import { createTranscript } from './transcript.ts';

/** How a run is answered. */
export interface Answering {
  /** One of the AI SDK, or a generator of text in this process: then `tools` and `settings` count for nothing. */
  readonly model: LanguageModel | TextModel;
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
  readonly meter: Meter;
  readonly answering: Answering;
  /** As a run calls them. */
  readonly tools: ToolSet;
  /** Breaks it off. */
  readonly signal: AbortSignal;
  /** Of another run's answer, that this one goes on with; else empty. */
  readonly prefix: readonly RunPart[];
  /** The run's own parts so far, nothing left out of them. */
  readonly own: readonly RunPart[];
  readonly limits: Pick<RunLimits, 'maxSteps' | 'maxRetries' | 'firstTokenMs' | 'stallMs'>;
  /** Why it must not go on, as soon as there is a reason. */
  forbidden(): Error | null;
  describeError(error: unknown): string;
}

/** From where the pen stands to the end of the answer. Resolves with the model's failure, or undefined. */
export async function generate(options: GenerationOptions): Promise<unknown> {
  const { pen, meter, answering, tools, prefix, own, limits, forbidden, describeError } = options;
  const { maxSteps, maxRetries, firstTokenMs, stallMs } = limits;
  const { model, instructions, settings } = answering;
  const messages = [...messagesOf(answering, prefix), ...toModelMessages(own)];
  if (isTextModel(model)) {
    return generateText(model, { pen, meter, messages, signal: options.signal, forbidden });
  }
  const enough = follower(options.signal);
  const { stream } = streamText({
    maxRetries,
    ...settings,
    ...(instructions !== undefined && { instructions }),
    model: asked(model, { meter, firstTokenMs, stallMs }),
    messages,
    tools,
    stopWhen: isStepCount(maxSteps - stepsOf(own)),
    abortSignal: enough.signal,
    // It comes out of the stream too.
    onError: () => undefined,
  });
  const parts = [...prefix, ...own];
  const transcript = createTranscript({
    from: pen.state.parts.length,
    callIds: parts.flatMap((part) => (part.type === 'tool' ? [part.callId] : [])),
    usageOf: () => meter.takeStep(),
    // What was written down of a call is in words that may be shown.
    describeToolError: (error) =>
      error instanceof ToolFailure ? error.message : describeError(error),
  });
  let failure: unknown;
  try {
    for await (const part of stream) {
      // What being lost makes of texts and tools is nobody's word on them.
      if (pen.lost.aborted) break;
      if (part.type === 'error') failure ??= part.error;
      pen.write(transcript.take(part));
      const why = forbidden();
      if (why !== null) {
        failure = why;
        break;
      }
      if (pen.waiting > MAX_WAITING_LENGTH) await pen.flushed();
    }
  } catch (error) {
    // The model's line broke in the middle of an answer.
    failure ??= error;
  } finally {
    enough.abort();
  }
  return failure;
}

/** Aborts with the signal, or before. The SDK asks it for each token: one that is made of others looks through them all. */
function follower(signal: AbortSignal): AbortController {
  const controller = new AbortController();
  const follow = (): void => controller.abort(signal.reason);
  if (signal.aborted) follow();
  else signal.addEventListener('abort', follow, { signal: controller.signal });
  return controller;
}

/** What the model is asked with, before anything of the run's own. */
export function messagesOf(
  { messages }: Pick<Answering, 'messages'>,
  prefix: readonly RunPart[],
): readonly ModelMessage[] {
  if (prefix.length === 0) return messages;
  return [...messages, ...toModelMessages(prefix), { role: 'user', content: GO_ON }];
}

/** Whether there is nothing to generate any more: it was all said, by somebody who died before they could say so. */
export function isAllSaid(parts: readonly RunPart[], maxSteps: number): boolean {
  const last = parts.findLast(({ type }) => type === 'step');
  if (last?.type !== 'step' || last.finishReason === null) return false;
  if (last.finishReason !== 'tool-calls' || stepsOf(parts) >= maxSteps) return true;
  // Its client has a call to make: what comes of that is another run's.
  return parts.some((part) => part.type === 'tool' && part.status === 'called');
}

function stepsOf(parts: readonly RunPart[]): number {
  return parts.filter(({ type }) => type === 'step').length;
}
