// One try: a request by fetch, its answer judged and read to its end, and the silence that ends it. Refuses to own
// whether there is another try. Rules: ESC-2, ESC-4, ESC-5.

import { MillraceError, parseWireError } from '@millrace/protocol';
import { isJsonObject, parseJson } from '@millrace/protocol/wire';
import { createParser } from 'eventsource-parser';
import { startLiveness, stepLiveness } from '../liveness.ts';
import { linkError } from '../transports/http.ts';
import { createLines } from './sse-lines.ts';
import { messageOf, type SSEMessage } from './sse-message.ts';
import type { SSEEnvironment, SseCall } from './sse-options.ts';

/** Three beats of the server. */
const SILENCE_MS = 45_000;
/** A message may be as large; the rest of a stream that never ends one is not kept. */
const MAX_MESSAGE_CHARS = 16 * 1024 * 1024;

/** After `abort`, and after `ended` or `failed`, none of them is called. */
export interface RequestHandlers {
  opened(response: Response): void;
  message(message: SSEMessage): void;
  /** An id without a message. */
  moved(id: string): void;
  retry(ms: number): void;
  /** The server closed it in order. `isEmpty`: by 204, before anything. */
  ended(isEmpty: boolean): void;
  failed(error: MillraceError, isFinal: boolean): void;
}

export interface SseRequest {
  /** Since the last byte, ms. */
  quietMs(): number;
  abort(): void;
}

export function openRequest(
  environment: Pick<SSEEnvironment, 'now' | 'setTimer' | 'fetch'>,
  call: SseCall,
  own: Readonly<Record<string, string>>,
  handlers: RequestHandlers,
): SseRequest {
  const { now, setTimer } = environment;
  const controller = new AbortController();
  const { signal } = controller;
  let liveness = startLiveness(now(), SILENCE_MS);
  let cancelTick = setTimer(tick, liveness.tickDueAt - now());

  function finish(tell: () => void): void {
    if (signal.aborted) return;
    abort();
    tell();
  }

  function abort(): void {
    cancelTick();
    controller.abort();
  }

  function tick(): void {
    // A tick that comes late: the page slept, and what has arrived meanwhile gets a second to be read.
    const step = stepLiveness(liveness, { type: 'tick' }, now());
    liveness = step.liveness;
    cancelTick = setTimer(tick, Math.max(0, liveness.tickDueAt - now()));
    if (step.verdict !== 'dead') return;
    const error = new MillraceError('link/no-beat', 'The stream is silent.');
    finish(() => handlers.failed(error, false));
  }

  function heard(): void {
    liveness = stepLiveness(liveness, { type: 'byte' }, now()).liveness;
  }

  async function run(): Promise<void> {
    const init = await initOf(call, own, signal);
    signal.throwIfAborted();
    const response = await environment.fetch(call.url, init).catch((cause: unknown) => {
      throw new MillraceError('link/refused', 'The server cannot be reached.', { cause });
    });
    signal.throwIfAborted();
    heard();
    if (response.status === 204) return finish(() => handlers.ended(true));
    if (!response.ok) {
      const error = await readRefusal(response, now());
      return finish(() => handlers.failed(error, isFinalStatus(response.status)));
    }
    if (!response.body || !response.headers.get('content-type')?.includes('text/event-stream')) {
      throw new MillraceError('link/refused', 'The answer is no event stream.');
    }
    handlers.opened(response);
    await read(response.body);
    finish(() => handlers.ended(false));
  }

  async function read(body: ReadableStream<Uint8Array>): Promise<void> {
    let unfinishedChars = 0;
    // A handler may end the stream: what stands behind in the same chunk is then nobody's.
    const alive = (tell: () => void) => {
      unfinishedChars = 0;
      if (!signal.aborted) tell();
    };
    const parser = createParser({
      onEvent: (message) => alive(() => handlers.message(messageOf(message))),
      onRetry: (ms) => alive(() => handlers.retry(ms)),
      onComment: () => alive(() => undefined),
    });
    const feed = createLines(parser, (id) => alive(() => handlers.moved(id)));
    const decoder = new TextDecoder();
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      heard();
      const text = decoder.decode(value, { stream: true });
      unfinishedChars += text.length;
      feed(text);
      if (unfinishedChars > MAX_MESSAGE_CHARS) {
        throw new MillraceError('limit/frame-size', 'A message of the stream never ends.');
      }
    }
  }

  // Not within the call: a function that gives headers may do anything, also end this.
  Promise.resolve()
    .then(run)
    .catch((thrown: unknown) => finish(() => handlers.failed(linkError(thrown), false)));
  return { quietMs: () => now() - liveness.lastByteAt, abort };
}

async function initOf(
  { method, body, isJson, headers, credentials }: SseCall,
  own: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<RequestInit> {
  let given: Readonly<Record<string, string>>;
  try {
    given = typeof headers === 'function' ? await headers() : headers;
  } catch (cause) {
    throw new MillraceError('auth/expired', 'No headers yet. Trying again.', { cause });
  }
  const all = new Headers({ accept: 'text/event-stream', ...own });
  if (isJson) all.set('content-type', 'application/json');
  // The application's own last: it may bring its idempotency key.
  for (const [name, value] of Object.entries(given)) all.set(name, value);
  const init = { method, headers: all, credentials, cache: 'no-store', signal } as const;
  return body === null ? init : { ...init, body };
}

/** The two that ask to come again are no refusal. */
function isFinalStatus(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** Its body says what happened, in our form, in OpenAI's, or in plain words. */
async function readRefusal(response: Response, now: number): Promise<MillraceError> {
  const { status, headers } = response;
  const retryAfterMs = parseRetryAfter(headers.get('retry-after'), now);
  const later = retryAfterMs === null ? {} : { retryAfterMs };
  const text = await response.text().catch(() => '');
  const { error } = readBody(text);
  if (isJsonObject(error) && String(error['code']).includes('/')) {
    const { code, message, details } = parseWireError(error);
    return new MillraceError(code, message, { details: { status, ...later, ...details } });
  }
  const said = isJsonObject(error) ? error['message'] : error;
  const words = typeof said === 'string' && said !== '' ? said : `The server answered ${status}.`;
  const code = isFinalStatus(status) ? 'request/invalid' : 'link/refused';
  return new MillraceError(code, words, { details: { status, ...later } });
}

function readBody(text: string): { readonly error?: unknown } {
  try {
    const body = parseJson(text);
    return isJsonObject(body) ? body : {};
  } catch {
    // Not JSON: a proxy's page, which nobody wants to read.
    return {};
  }
}

/** Seconds or a date; null for neither. */
function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
