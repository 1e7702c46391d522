// What SSE, poll and publish share: one POST, and its failure as one of our errors. Rules: LINK-7, CLI-4, ERR-3.

import { isErrorCode, MillraceError, parseJsonObject, parseWireError } from '@millrace/protocol';
import type { LinkRequest } from './transport.ts';

export interface PostOptions {
  readonly path: string;
  readonly body: string;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The answer, its head only. @throws MillraceError the server's own error, or `link/refused` when none came */
export async function post(
  request: Pick<LinkRequest, 'url' | 'credentials' | 'host'>,
  { path, body, signal, headers }: PostOptions,
): Promise<Response> {
  let response: Response;
  try {
    response = await request.host.fetch(`${request.url}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      credentials: request.credentials,
      cache: 'no-store',
      body,
      signal,
    });
  } catch (cause) {
    throw new MillraceError('link/refused', 'The server cannot be reached.', { cause });
  }
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
  const after = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(after) ? { retryAfterMs: after * 1_000 } : undefined;
  const wire = await readErrorBody(response);
  if (wire !== null) {
    const error = parseWireError(wire);
    const details = { ...retryAfter, ...error.details };
    return new MillraceError(error.code, error.message, { details });
  }
  if (retryAfter !== undefined && (response.status === 429 || response.status === 503)) {
    return new MillraceError('server/overloaded', 'The server asks to come later.', {
      details: retryAfter,
    });
  }
  return new MillraceError('link/refused', `Something answered with status ${response.status}.`);
}

/** The error that our server wrote, or null. */
async function readErrorBody(response: Response): Promise<unknown> {
  try {
    const { error } = parseJsonObject(await response.text());
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
    // A proxy may have an `error` of its own: ours has a code `area/problem`.
    if (isErrorCode(code) || (typeof code === 'string' && code.includes('/'))) {
      return error;
    }
    return null;
  } catch {
    // Not our JSON: then it was not our server that answered, and the status has to do.
    return null;
  }
}
