// Errors in the form that OpenAI's clients read. They repeat 408, 409, 429 and 5xx by themselves: what a repeat can't
// help says so.

import { ERROR_CODES, type MillraceError } from '@millrace/protocol';

export function answerOpenAiError(error: MillraceError): Response {
  const { code, message, retryable } = error;
  const { status } = ERROR_CODES[code];
  const retryAfterMs = error.details?.['retryAfterMs'];
  const body = { error: { message, type: typeOf(status), param: null, code: nameOf(code) } };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-should-retry': String(retryable && status !== 401),
      ...(typeof retryAfterMs === 'number'
        ? {
            'retry-after': String(Math.ceil(retryAfterMs / 1_000)),
            'retry-after-ms': String(retryAfterMs),
          }
        : {}),
    },
  });
}

function typeOf(status: number): string {
  if (status >= 500) return 'server_error';
  if (status === 429) return 'rate_limit_error';
  return status === 403 ? 'permission_error' : 'invalid_request_error';
}

function nameOf(code: MillraceError['code']): string {
  if (code.startsWith('auth/') && code !== 'auth/denied') return 'invalid_api_key';
  return code.replaceAll(/[/-]/g, '_');
}
