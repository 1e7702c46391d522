// Errors as answers: always JSON, always `{error: {code, message, retryable}}`, with the status of the code (ERR-1).

import { ERROR_CODES, MillraceError, toMillraceError } from '@millrace/protocol';
import { HTTPException } from 'hono/http-exception';
import type { ErrorAnswer } from '../../shared/api.ts';
import type { Log } from '../log.ts';
import { type Endpoint, methodsOf } from './access.ts';
import { answerOpenAiError } from './openai-errors.ts';
import type { DeskContext } from './routes.ts';

export function answerError(c: DeskContext, error: MillraceError): Response {
  const { status } = ERROR_CODES[error.code];
  const retryAfterMs = error.details?.['retryAfterMs'];
  const answer: ErrorAnswer = { error: error.toJSON() };
  return new Response(JSON.stringify(answer), {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...(typeof retryAfterMs === 'number'
        ? { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }
        : {}),
      ...(error.code === 'request/method' ? { allow: methodsOf(c.req.path).join(', ') } : {}),
    },
  });
}

/** The last word on anything thrown: the caller gets the one error shape, the log gets the cause (ERR-2). */
export function answerThrown(thrown: unknown, c: DeskContext, log: Log): Response {
  const error =
    thrown instanceof HTTPException ? fromHono(thrown) : (nulIn(thrown) ?? toMillraceError(thrown));
  // Before a route was found there is none.
  const endpoint: Endpoint | undefined = c.get('endpoint');
  if (ERROR_CODES[error.code].status >= 500) {
    const facts = { method: c.req.method, path: c.req.path, code: error.code };
    log.error({ ...facts, err: error.cause ?? error }, 'request failed');
  }
  return endpoint?.speaks === 'openai' ? answerOpenAiError(error) : answerError(c, error);
}

export function answerNotFound(c: DeskContext): Response {
  const methods = methodsOf(c.req.path);
  if (methods.length > 0) {
    const message = `${c.req.path} takes ${methods.join(' or ')}, not ${c.req.method}.`;
    return answerError(c, new MillraceError('request/method', message));
  }
  return answerError(c, new MillraceError('request/not-found', `There is no ${c.req.path} here.`));
}

function fromHono(thrown: HTTPException): MillraceError {
  const code = thrown.status === 413 ? 'limit/body-size' : 'request/invalid';
  return new MillraceError(code, thrown.message || 'The request cannot be read.', {
    cause: thrown,
  });
}

/** What PostgreSQL keeps no text with: 22021, and 22P05 for one that is escaped in JSON. */
const NUL = ['22021', '22P05'];

/** Ids and names are the caller's: where one holds a NUL, it is no failure of ours. */
function nulIn(thrown: unknown): MillraceError | null {
  if (!(thrown instanceof Error)) return null;
  const isIt = 'code' in thrown && typeof thrown.code === 'string' && NUL.includes(thrown.code);
  if (!isIt) return nulIn(thrown.cause);
  const message = 'A text of the request holds a NUL character, which is kept nowhere.';
  return new MillraceError('request/invalid', message, { cause: thrown });
}
