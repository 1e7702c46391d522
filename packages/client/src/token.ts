// The token: asked for once however many links want it, kept until the server refuses it, renewed before it
// expires where its text says when (a JWT). A refresh that fails is an error, never a link without a token.
// Rules: AUTH-3, CLI-11.

import { MillraceError } from '@millrace/protocol';
import { readJsonObject } from '@millrace/protocol/wire';

export type TokenOption = string | (() => Promise<string | null>);

export interface TokenSource {
  /** Whether a refused token can be replaced by another. */
  readonly canRefresh: boolean;
  /** @throws MillraceError `auth/expired` when the application's function fails, `auth/required` when it has no token any more */
  get(): Promise<string | null>;
  /** What `get` resolved with last; undefined before. */
  current(): string | null | undefined;
  /** The next `get` asks the application again. */
  forget(): void;
}

export function createTokenSource(option: TokenOption | undefined): TokenSource {
  const refresh = typeof option === 'function' ? option : null;
  const fixed = typeof option === 'string' ? option : null;
  let current = refresh === null ? fixed : undefined;
  let pending: Promise<string | null> | null = null;
  let hadToken = false;

  async function ask(): Promise<string | null> {
    let token: string | null = null;
    try {
      token = (await refresh?.()) ?? null;
    } catch (cause) {
      throw new MillraceError('auth/expired', 'No new token yet. Trying again.', { cause });
    }
    if (token === null && hadToken) {
      throw new MillraceError('auth/required', 'There is no token any more. Sign in again.');
    }
    hadToken = token !== null;
    current = token;
    return token;
  }

  return {
    canRefresh: refresh !== null,
    current: () => current,
    async get() {
      if (current !== undefined) return current;
      pending ??= ask().finally(() => {
        pending = null;
      });
      return pending;
    },
    forget() {
      if (refresh !== null) current = undefined;
    },
  };
}

/** When a token expires by its own word, ms since 1970 on the server's clock; null when it does not say. */
export function tokenExpiresAt(token: string): number | null {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token)?.[1] ?? '';
  try {
    const text = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
    const { exp } = readJsonObject(text);
    return typeof exp === 'number' ? exp * 1_000 : null;
  } catch {
    // No JWT: an opaque token, which is replaced when the server refuses it.
    return null;
  }
}
