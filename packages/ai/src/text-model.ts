// A model that is a generator of text in this process: no protocol, no tools, no provider's figures. What it says goes the
// same way as a language model's, without the AI SDK's share of each token. Rules: RUN-4, RUN-10, RUN-14, RUN-18.

import type { LanguageModel, ModelMessage } from 'ai';
import { promptTokens } from './estimate.ts';
import { MAX_WAITING_LENGTH } from './limits.ts';
import type { Meter } from './meter.ts';
import type { Pen } from './pen.ts';

export interface TextModel {
  /** What viewers are told that answers. */
  readonly modelId: string;
  /** Pieces of the answer, as they come. Aborted, nothing more of it is waited for. What it throws fails the run. */
  text(messages: readonly ModelMessage[], signal: AbortSignal): AsyncIterable<string, unknown>;
}

export function isTextModel(model: LanguageModel | TextModel): model is TextModel {
  return typeof model !== 'string' && 'text' in model;
}

export interface TextOptions {
  readonly pen: Pen;
  readonly meter: Meter;
  readonly messages: readonly ModelMessage[];
  /** Breaks it off. */
  readonly signal: AbortSignal;
  /** Why it must not go on, as soon as there is a reason. */
  forbidden(): Error | null;
}

/** The whole answer is one step of one text. Resolves with the model's failure, or undefined. */
export async function generateText(model: TextModel, options: TextOptions): Promise<unknown> {
  const { pen, meter, messages, signal, forbidden } = options;
  meter.ask(promptTokens({ prompt: [...messages] }));
  const at = pen.state.parts.length;
  const part = at + 1;
  pen.write([
    { type: 'step-start', data: { part: at } },
    { type: 'text-start', data: { part } },
  ]);
  try {
    for await (const text of untilAborted(model.text(messages, signal), signal)) {
      meter.hear(text);
      pen.write([{ type: 'text-delta', data: { part, text } }]);
      const why = forbidden();
      if (why !== null) return why;
      if (pen.waiting > MAX_WAITING_LENGTH) await pen.flushed();
    }
  } catch (error) {
    return error;
  }
  if (signal.aborted) return undefined;
  pen.write([
    { type: 'text-end', data: { part, provider: null } },
    { type: 'step-end', data: { part: at, finishReason: 'stop', ...meter.takeStep() } },
  ]);
  return undefined;
}

/** Ends with the signal, whether or not the generator listens to it; one listener for all that it says. */
async function* untilAborted(
  pieces: AsyncIterable<string, unknown>,
  signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const iterator = pieces[Symbol.asyncIterator]();
  const end: IteratorResult<string, unknown> = { done: true, value: undefined };
  let leave: () => void = () => undefined;
  const abort = (): void => leave();
  signal.addEventListener('abort', abort);
  try {
    while (!signal.aborted) {
      const next = await new Promise<IteratorResult<string, unknown>>((resolve, reject) => {
        leave = () => resolve(end);
        iterator.next().then(resolve, reject);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', abort);
    // Its own end is not waited for: it may be what hangs.
    iterator.return?.().catch(() => undefined);
  }
}
