// One request for JSON, and its failure as one of our errors. Refuses to own when it is repeated, but for a few tries of
// what a person must be able to rely on.

import { MillraceError, parseWireError, toMillraceError } from '@millrace/protocol';
import { isJsonObject, type JsonObject, parseJson } from '@millrace/protocol/wire';

export interface JsonRequest {
  readonly url: string;
  /** Posted as JSON; a GET without. */
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Default: the global one, looked up at each request. */
  readonly fetch: typeof fetch | undefined;
}

/** Tries of a request that may be repeated, and the most that the wait before the second takes, ms. */
const TRIES = 4;
const FIRST_WAIT_MS = 500;
/** A request that hangs is given up. */
const ANSWER_WITHIN_MS = 15_000;
/** A page that closes sends it still; browsers keep 64 KiB for that, and refuse what is more. */
const MOST_KEPT_ALIVE = 10_000;

/** @throws MillraceError what the server said, `link/refused` when it cannot be reached, `protocol/malformed` */
export async function requestJson(request: JsonRequest): Promise<JsonObject> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), ANSWER_WITHIN_MS);
  const leave = (): void => limit.abort();
  request.signal?.addEventListener('abort', leave);
  try {
    const response = await ask(request, limit.signal);
    const text = await response.text();
    if (!response.ok) throw refusal(response.status, text);
    const answer = text === '' ? {} : parseJson(text);
    if (isJsonObject(answer)) return answer;
    throw new MillraceError('protocol/malformed', 'The answer cannot be read.');
  } catch (thrown) {
    if (thrown instanceof MillraceError) throw thrown;
    const words = 'The server cannot be reached. Check the network.';
    throw new MillraceError('link/refused', words, { cause: thrown });
  } finally {
    clearTimeout(timer);
    request.signal?.removeEventListener('abort', leave);
  }
}

function ask({ url, body, headers, fetch }: JsonRequest, signal: AbortSignal): Promise<Response> {
  const send = fetch ?? globalThis.fetch;
  const init = { signal, cache: 'no-store' } as const;
  const accept = { accept: 'application/json' };
  if (body === undefined) return send(url, { ...init, headers: { ...accept, ...headers } });
  const text = JSON.stringify(body);
  return send(url, {
    ...init,
    method: 'POST',
    headers: { ...accept, 'content-type': 'application/json', ...headers },
    body: text,
    keepalive: text.length <= MOST_KEPT_ALIVE,
  });
}

/** As `requestJson`, for what may be asked twice: a failure that another try can mend gets one, a few times. */
export async function insistJson(request: JsonRequest): Promise<JsonObject> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await requestJson(request);
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (!error.retryable || attempt === TRIES || request.signal?.aborted) throw error;
      const waitMs = Math.random() * FIRST_WAIT_MS * 2 ** (attempt - 1);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

function refusal(status: number, text: string): MillraceError {
  try {
    const body = parseJson(text);
    const error = isJsonObject(body) ? body['error'] : undefined;
    if (isJsonObject(error) && String(error['code']).includes('/')) return parseWireError(error);
  } catch {
    // A proxy's page: the status has to do.
  }
  return new MillraceError(
    status >= 500 || status === 408 || status === 429 ? 'link/refused' : 'request/invalid',
    `The server answered ${status}.`,
  );
}
