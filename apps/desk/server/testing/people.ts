// People who call a Desk of the tests: each with a token of their own, administrators or not.

import { createTokens } from '../identity/tokens.ts';
import type { TestDesk } from './test-desk.ts';

export const PEOPLE_SECRET = 'session-secret-of-the-test';

export interface Person {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  call(method: string, path: string, body?: unknown): Promise<Response>;
  /** The body as it is, with its type. */
  send(path: string, body: string, type?: string): Promise<Response>;
}

/** Needs a Desk that is started with `SESSION_SECRET: PEOPLE_SECRET`. */
export async function personAt(
  desk: Pick<TestDesk, 'get'>,
  id: string,
  isAdmin = false,
): Promise<Person> {
  const user = { id, name: id, isAdmin };
  const { token } = await createTokens(PEOPLE_SECRET).sign(user, 'desk-session');
  const headers = { authorization: `Bearer ${token}` };
  return {
    id,
    headers,
    call: (method, path, body) =>
      desk.get(path, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    send: (path, body, type = 'text/csv') =>
      desk.get(path, { method: 'POST', headers: { ...headers, 'content-type': type }, body }),
  };
}
