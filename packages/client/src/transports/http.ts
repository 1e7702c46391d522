// What SSE, poll and publish share: one POST, its failure as one of our errors, and a link that only receives.
// Rules: LINK-7, CLI-4, ERR-3.

import { MillraceError, parseWireError } from '@millrace/protocol';
import { isJsonObject, readJsonObject } from '@millrace/protocol/wire';
import type { Carrier, LinkHandlers, LinkRequest, Transport } from './transport.ts';

export interface PostOptions {
  readonly body: string;
  readonly signal: AbortSignal;
  /** For the `authorization` header. */
  readonly token?: string | null;
}

/** @param receive ends by throwing, always: such a link has no good end */
export function receivingTransport(
  carrier: Carrier,
  receive: (request: LinkRequest, handlers: LinkHandlers, signal: AbortSignal) => Promise<never>,
): Transport {
  return {
    carrier,
    isDuplex: false,
    open(request, handlers) {
      const controller = new AbortController();
      const { signal } = controller;
      receive(request, handlers, signal).catch((thrown: unknown) => {
        if (!signal.aborted) handlers.closed(linkError(thrown));
      });
      return { send: () => undefined, close: () => controller.abort() };
    },
  };
}

/** The answer, its head only. @throws MillraceError the server's own error, or `link/refused` when none came */
export async function post(
  { url, credentials, host }: Pick<LinkRequest, 'url' | 'credentials' | 'host'>,
  path: string,
  { body, signal, token = null }: PostOptions,
): Promise<Response> {
  const answer = host.fetch(`${url}/${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    credentials,
    cache: 'no-store',
    body,
    signal,
  });
  const response = await answer.catch((cause: unknown) => {
    throw new MillraceError('link/refused', 'The server cannot be reached.', { cause });
  });
  if (!response.ok) throw await readFailure(response);
  return response;
}

/** What ended a link, as one of our errors. */
export function linkError(thrown: unknown): MillraceError {
  // What cannot be read is a link gone bad (a captive portal, a cut body), not a reason to stop for good.
  if (thrown instanceof MillraceError && thrown.code !== 'protocol/malformed') return thrown;
  return new MillraceError('link/lost', 'The connection broke.', { cause: thrown });
}

/** The body says what happened; the status alone is never interpreted, except the two that ask to come later. */
async function readFailure(response: Response): Promise<MillraceError> {
  const { status, headers } = response;
  const retryAfterMs = Number(headers.get('retry-after') ?? Number.NaN) * 1_000;
  const later = retryAfterMs >= 0 ? { retryAfterMs } : null;
  try {
    const { error } = readJsonObject(await response.text());
    // A proxy may have an `error` of its own: ours has a code `area/problem`.
    if (isJsonObject(error) && String(error['code']).includes('/')) {
      const { code, message, details } = parseWireError(error);
      return new MillraceError(code, message, { details: { ...later, ...details } });
    }
  } catch {
    // Not our JSON: then it was not our server that answered, and the status has to do.
  }
  return later !== null && (status === 429 || status === 503)
    ? new MillraceError('server/overloaded', 'Come back later.', { details: later })
    : new MillraceError('link/refused', `Status ${status}.`);
}
