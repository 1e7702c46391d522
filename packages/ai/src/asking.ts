// A model as a run asks it: measured, and never waited for without end. Nothing of a try comes out before it said
// something, so that the AI SDK's own retries, which it makes where a request rejects, cover all until then; what breaks
// later is the end of the answer. Whatever ends a line here closes its socket. Rules: RUN-14, RUN-17.
//
//   asked ─ first token ─▶ saying ─ finish ─▶ said
//     │ refused, broken off: rejects, as one that may be repeated      │ silent, broken off, an error in it: the stream fails
//     └ silent for `firstTokenMs`: rejects for good

import { MillraceError } from '@millrace/protocol';
import {
  APICallError,
  gateway,
  type LanguageModel,
  type LanguageModelMiddleware,
  wrapLanguageModel,
} from 'ai';
import { promptTokens } from './estimate.ts';
import type { RunLimits } from './limits.ts';
import type { Meter } from './meter.ts';
import { unlessAborted } from './unless-aborted.ts';

type WrapStream = NonNullable<LanguageModelMiddleware['wrapStream']>;
type Asked = Awaited<ReturnType<WrapStream>>;
type Part = Asked['stream'] extends ReadableStream<infer One> ? One : never;

export interface AskingOptions extends Pick<RunLimits, 'firstTokenMs' | 'stallMs'> {
  readonly meter: Meter;
}

export function asked(model: LanguageModel, options: AskingOptions): LanguageModel {
  const { meter, firstTokenMs, stallMs } = options;
  const wrapStream: WrapStream = async ({ params, model: inner }) => {
    const line = new AbortController();
    const signals = [
      line.signal,
      ...(params.abortSignal === undefined ? [] : [params.abortSignal]),
    ];
    const abortSignal = AbortSignal.any(signals);
    meter.ask(promptTokens(params));
    const late = setTimeout(() => line.abort(tooLate('begin to answer')), firstTokenMs);
    try {
      const answer = await unlessAborted(inner.doStream({ ...params, abortSignal }), abortSignal);
      const parts = answer.stream.getReader();
      const first = await readFirst(parts, abortSignal);
      const hear = createHearing(meter);
      for (const part of first) hear(part);
      return { ...answer, stream: rest({ parts, first, line, abortSignal, stallMs, hear }) };
    } catch (thrown) {
      const error = reasonOf(line, thrown);
      if (isRefused(error)) meter.refuse();
      else meter.lose();
      line.abort(error);
      throw error;
    } finally {
      clearTimeout(late);
    }
  };
  return wrapLanguageModel({
    model: typeof model === 'string' ? named(model) : model,
    middleware: { specificationVersion: 'v4', wrapStream },
  });
}

/** As the SDK looks a model up that is but a name. */
function named(name: string) {
  return (globalThis.AI_SDK_DEFAULT_PROVIDER ?? gateway).languageModel(name);
}

type Reader = ReadableStreamDefaultReader<Part>;

/** Up to the first part that says something. */
async function readFirst(parts: Reader, signal: AbortSignal): Promise<Part[]> {
  const read: Part[] = [];
  for (;;) {
    const { done, value } = await unlessAborted(parts.read(), signal).catch((error: unknown) => {
      throw signal.aborted ? error : repeatable(error);
    });
    if (done) throw repeatable(endedEarly());
    if (value.type === 'error') throw repeatable(value.error);
    if (value.type === 'finish' && isUnsaid(value)) throw repeatable(endedEarly());
    read.push(value);
    if (!SILENT.has(value.type)) return read;
  }
}

/** Parts of which a reader learns nothing. */
const SILENT: ReadonlySet<Part['type']> = new Set([
  'stream-start',
  'response-metadata',
  'raw',
  'text-start',
  'reasoning-start',
]);

interface Rest {
  readonly parts: Reader;
  readonly first: readonly Part[];
  readonly line: AbortController;
  readonly abortSignal: AbortSignal;
  readonly stallMs: number;
  readonly hear: Hear;
}

function rest({ parts, first, line, abortSignal, stallMs, hear }: Rest): ReadableStream<Part> {
  let isFinished = first.some(({ type }) => type === 'finish');
  // A signal made of others looks through all of them each time that it is asked.
  let isAborted = abortSignal.aborted;
  let out: ReadableStreamDefaultController<Part> | null = null;
  const silence = createSilence(stallMs, () => line.abort(tooLate('go on')));
  // Ends a read that waits, also of a provider that does not listen to the signal. Nobody may ask for another.
  function leave(): void {
    isAborted = true;
    silence.over();
    parts.cancel(abortSignal.reason).catch(() => undefined);
  }
  abortSignal.addEventListener('abort', leave);

  function over(): void {
    silence.over();
    abortSignal.removeEventListener('abort', leave);
  }

  function take({ done, value }: Awaited<ReturnType<Reader['read']>>): void {
    silence.end();
    try {
      if (isAborted) throw abortSignal.reason;
      if (done && !isFinished) throw endedEarly();
      if (done) {
        over();
        out?.close();
        return;
      }
      if (value.type === 'error') throw value.error;
      if (value.type === 'finish') {
        if (isUnsaid(value)) throw endedEarly();
        isFinished = true;
      }
      hear(value);
      out?.enqueue(value);
    } catch (thrown) {
      fail(thrown);
    }
  }

  function fail(thrown: unknown): void {
    const error = reasonOf(line, thrown);
    over();
    out?.error(error);
    line.abort(error);
  }

  return new ReadableStream<Part>({
    start(controller) {
      out = controller;
      for (const part of first) controller.enqueue(part);
    },
    // No asynchronous function: it would make two promises more for each token.
    pull() {
      // Only while somebody waits: a reader that is slow is no silence of the model's.
      silence.begin();
      return parts.read().then(take, fail);
    },
    cancel(reason) {
      isAborted = true;
      over();
      line.abort(reason);
    },
  });
}

/**
 * Calls back once somebody has waited for so long. A model says something fifty times a second: beginning and ending a wait
 * costs no timer, the one there is looks again when it is due.
 */
function createSilence(mostMs: number, tooLong: () => void) {
  let since: number | null = null;
  let timer = setTimeout(look, mostMs);

  function look(): void {
    const waitedMs = since === null ? 0 : performance.now() - since;
    if (waitedMs >= mostMs) tooLong();
    else timer = setTimeout(look, mostMs - waitedMs);
  }

  return {
    begin() {
      since = performance.now();
    },
    end() {
      since = null;
    },
    over() {
      clearTimeout(timer);
    },
  };
}

type Hear = (part: Part) => void;

function createHearing(meter: Meter): Hear {
  /** Calls whose input was heard as it was written. */
  const written = new Set<string>();
  return (part) => {
    switch (part.type) {
      case 'text-delta':
      case 'reasoning-delta':
        meter.hear(part.delta);
        break;
      case 'tool-input-delta':
        written.add(part.id);
        meter.hear(part.delta);
        break;
      case 'tool-call':
        if (!written.has(part.toolCallId)) meter.hear(part.input);
        break;
      case 'finish': {
        const { inputTokens, outputTokens } = part.usage;
        meter.tell({ inputTokens: inputTokens.total, outputTokens: outputTokens.total });
        break;
      }
      default:
        break;
    }
  };
}

/** Providers have words of their own for a line that was closed here. */
function reasonOf(line: AbortController, thrown: unknown): unknown {
  return line.signal.aborted ? line.signal.reason : thrown;
}

/** The line is over, and the provider never said why: it was cut where its reader can't tell. */
function isUnsaid({ finishReason }: Extract<Part, { type: 'finish' }>): boolean {
  return finishReason.unified === 'other' && finishReason.raw === undefined;
}

function endedEarly(): MillraceError {
  return new MillraceError('engine/unavailable', "The model's line ended before its answer did.");
}

function tooLate(what: string): MillraceError {
  return new MillraceError('request/timeout', `The model did not ${what} in time.`);
}

/** The provider has not taken the request, or never saw it: nobody is asked to pay. */
function isRefused(error: unknown): boolean {
  if (APICallError.isInstance(error) && error.statusCode !== undefined)
    return error.statusCode !== 200;
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && UNREACHED.has(String(at.code))) return true;
  }
  return false;
}

const UNREACHED: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** In the form that the SDK's retries know. */
function repeatable(cause: unknown): Error {
  if (APICallError.isInstance(cause)) return cause;
  const message = cause instanceof Error ? cause.message : 'The model failed before it began.';
  return new APICallError({ message, url: '', requestBodyValues: {}, cause, isRetryable: true });
}
