// Calls of Desk's own endpoints. Every failure is a MillraceError whose message is safe to show.

import { MillraceError, parseWireError } from '@millrace/protocol';

/** @throws MillraceError as the server says, or `link/lost` when it could not be reached */
export async function getJson<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  return call<Answer>(path, signal === undefined ? {} : { signal });
}

/** @throws MillraceError as the server says, or `link/lost` when it could not be reached */
export async function postJson<Answer>(path: string, body: unknown = {}): Promise<Answer> {
  return call<Answer>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** @throws MillraceError as the server says, or `link/lost` when it could not be reached */
export async function putJson<Answer>(path: string, body: unknown): Promise<Answer> {
  return call<Answer>(path, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function call<Answer>(path: string, init: RequestInit): Promise<Answer> {
  const response = await fetch(path, init).catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
    throw new MillraceError('link/lost', 'The server could not be reached. Check the connection.', {
      cause,
    });
  });
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as Answer;
  const error = errorOf(body);
  if (error !== null) throw parseWireError(error);
  // A proxy's page, or nothing: its text would tell a person nothing.
  throw new MillraceError(
    'link/lost',
    `The server did not answer as it should (status ${response.status}). Try again in a moment.`,
  );
}

function errorOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
}
