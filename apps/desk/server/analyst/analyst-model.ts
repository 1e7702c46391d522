// The built-in analyst as a language model of the AI SDK: rule-based, named so, and used like any other, in the same loop
// of steps and tools. What it does next is next-step.ts; this file streams it: words one by one, tool inputs in pieces.
//
// Settings such as temperature change nothing, since nothing is drawn. `maxOutputTokens` and `stopSequences` hold.
import { randomUUID } from 'node:crypto';
import type {
  CallOptions,
  FinishReason,
  GenerateResult,
  Model,
  StreamPart,
  Usage,
} from './language-model.ts';
import { nextStep, type Step } from './next-step.ts';
import { countPrompt, countTokens, usageOf } from './tokens.ts';

export const ANALYST_NAME = 'built-in-analyst';

export interface AnalystOptions {
  /** Between two words, ms; 0 for none. Less where a whole answer would take more than three seconds. Default 4. */
  readonly delayMs?: number;
  /** Makes ids of tool calls. */
  readonly newId?: () => string;
}

const MAX_ANSWER_MS = 3_000;

export function analystModel(options: AnalystOptions = {}): Model {
  const { delayMs = 4, newId = () => `call_${randomUUID()}` } = options;
  const partsOf = (call: CallOptions): readonly StreamPart[] => {
    const step = nextStep(call);
    return step.is === 'calls' ? callParts(step, call, newId) : textParts(step.text, call);
  };
  return {
    specificationVersion: 'v4',
    provider: 'desk',
    modelId: ANALYST_NAME,
    supportedUrls: {},
    async doStream(call) {
      call.abortSignal?.throwIfAborted();
      const parts = partsOf(call);
      const words = parts.filter(({ type }) => type === 'text-delta').length;
      const pauseMs = Math.min(delayMs, MAX_ANSWER_MS / Math.max(words, 1));
      return { stream: streamOf(parts, pauseMs, call.abortSignal) };
    },
    async doGenerate(call) {
      call.abortSignal?.throwIfAborted();
      return gathered(partsOf(call));
    },
  };
}

function callParts(
  { calls }: Extract<Step, { is: 'calls' }>,
  { prompt }: CallOptions,
  newId: () => string,
): StreamPart[] {
  const parts = calls.flatMap(({ name: toolName, input: given }): StreamPart[] => {
    const [id, input] = [newId(), JSON.stringify(given)];
    const deltas = input.match(/[\s\S]{1,24}/g) ?? [];
    return [
      { type: 'tool-input-start', id, toolName },
      ...deltas.map((delta): StreamPart => ({ type: 'tool-input-delta', id, delta })),
      { type: 'tool-input-end', id },
      { type: 'tool-call', toolCallId: id, toolName, input },
    ];
  });
  const written = calls.reduce((sum, { input }) => sum + countTokens(JSON.stringify(input)), 0);
  return around(parts, 'tool-calls', usageOf(countPrompt(prompt), written));
}

function textParts(text: string, call: CallOptions): StreamPart[] {
  const { prompt, maxOutputTokens = Number.POSITIVE_INFINITY, stopSequences = [] } = call;
  const asked = call.responseFormat?.type === 'json' ? JSON.stringify({ answer: text }) : text;
  const stops = stopSequences.map((stop) => asked.indexOf(stop)).filter((at) => at >= 0);
  const whole = stops.length > 0 ? asked.slice(0, Math.min(...stops)) : asked;
  const words: string[] = [];
  let written = 0;
  for (const word of whole.match(/\s*\S+\s*/g) ?? []) {
    const tokens = countTokens(word);
    if (written + tokens > maxOutputTokens) break;
    written += tokens;
    words.push(word);
  }
  const isCut = words.join('').length < whole.trimEnd().length;
  const id = '0';
  const parts: StreamPart[] = [
    { type: 'text-start', id },
    ...words.map((delta): StreamPart => ({ type: 'text-delta', id, delta })),
    { type: 'text-end', id },
  ];
  return around(parts, isCut ? 'length' : 'stop', usageOf(countPrompt(prompt), written));
}

function around(
  parts: readonly StreamPart[],
  unified: FinishReason['unified'],
  usage: Usage,
): StreamPart[] {
  return [
    { type: 'stream-start', warnings: [] },
    { type: 'response-metadata', modelId: ANALYST_NAME },
    ...parts,
    { type: 'finish', finishReason: { unified, raw: unified }, usage },
  ];
}

/** The first word at once, the others with a pause before each; broken off by the signal, with its reason. */
function streamOf(
  parts: readonly StreamPart[],
  pauseMs: number,
  signal: AbortSignal | undefined,
): ReadableStream<StreamPart> {
  let at = 0;
  let hasSpoken = false;
  let isLeft = false;
  return new ReadableStream<StreamPart>({
    async pull(controller) {
      const part = parts[at];
      if (part?.type === 'text-delta' && pauseMs > 0) {
        if (hasSpoken) await pause(pauseMs, signal);
        hasSpoken = true;
      }
      if (isLeft) return;
      if (signal?.aborted === true) {
        controller.error(signal.reason);
        return;
      }
      at += 1;
      if (part !== undefined) controller.enqueue(part);
      if (at >= parts.length) controller.close();
    },
    cancel() {
      isLeft = true;
    },
  });
}

/** Ends early when it is broken off. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}

function gathered(parts: readonly StreamPart[]): GenerateResult {
  const content: GenerateResult['content'] = [];
  let text = '';
  let end: Extract<StreamPart, { type: 'finish' }> | undefined;
  for (const part of parts) {
    if (part.type === 'text-delta') text += part.delta;
    if (part.type === 'tool-call') content.push(part);
    if (part.type === 'finish') end = part;
  }
  if (text !== '') content.unshift({ type: 'text', text });
  return {
    content,
    finishReason: end?.finishReason ?? { unified: 'stop', raw: undefined },
    usage: end?.usage ?? usageOf(0, 0),
    response: { modelId: ANALYST_NAME },
    warnings: [],
  };
}
