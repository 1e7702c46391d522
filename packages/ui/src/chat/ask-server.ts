// One request of the chat's own, and what went wrong as a sentence.

/** @throws Refused with the server's own words */
export async function askServer<Answer>(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init);
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body as Answer;
  throw new Refused(messageOf(body) ?? `The server refused (status ${response.status}).`);
}

export function posting(body: unknown): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

class Refused extends Error {}

export function wordsOf(error: unknown): string {
  // Of a network the browser says no more than that it failed.
  return error instanceof Refused
    ? error.message
    : 'The server cannot be reached. Try again when the connection is back.';
}

function messageOf(body: unknown): string | null {
  const error = typeof body === 'object' && body !== null && 'error' in body ? body.error : null;
  const message =
    typeof error === 'object' && error !== null && 'message' in error ? error.message : null;
  return typeof message === 'string' ? message : null;
}
