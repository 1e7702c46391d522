// Who a request comes from: its session cookie or bearer token, or in development the development identity.
// A token that is refused is an error, never taken for nobody (AUTH-1).

import { MillraceError } from '@millrace/protocol';
import { parse } from 'hono/utils/cookie';
import type { User } from '../../shared/api.ts';
import type { Audience, Tokens } from './tokens.ts';

export interface Who {
  readonly user: User | null;
  /** False for nobody and for the development identity. */
  readonly isSignedIn: boolean;
  /** ms since 1970. */
  readonly expiresAt?: number;
}

/** Answers everything where the development sign-in is on and nobody has signed in. */
const DEVELOPMENT_USER: User = { id: 'developer', name: 'Developer', isAdmin: true };

export interface Credentials {
  readonly cookie: string | undefined;
  readonly authorization: string | undefined;
  /** A token for the real-time link, as the hub found it. */
  readonly token?: string | null;
}

export interface WhoOptions {
  readonly tokens: Tokens;
  readonly hasDevSignIn: boolean;
  readonly isProduction: boolean;
}

/** `__Host-` binds the cookie to this very host over HTTPS; browsers refuse it over plain HTTP. */
export function sessionCookieName(isProduction: boolean): string {
  return isProduction ? '__Host-desk_session' : 'desk_session';
}

const SESSION: readonly Audience[] = ['desk-session'];
/** A program that has a session's token (`Authorization: Bearer`) may use it on a stream as well. */
const LINK_AUDIENCES: readonly Audience[] = ['desk-realtime', 'desk-session'];

/** @throws MillraceError `auth/invalid`, `auth/expired` */
export async function whoIs(from: Credentials, options: WhoOptions): Promise<Who> {
  if (typeof from.token === 'string') return signedIn(from.token, LINK_AUDIENCES, options);
  const bearer = bearerOf(from.authorization);
  if (bearer !== null) return signedIn(bearer, SESSION, options);
  const session = parse(from.cookie ?? '')[sessionCookieName(options.isProduction)];
  if (session !== undefined && session !== '') return signedIn(session, SESSION, options);
  return { user: options.hasDevSignIn ? DEVELOPMENT_USER : null, isSignedIn: false };
}

async function signedIn(
  token: string,
  audiences: readonly Audience[],
  { tokens }: WhoOptions,
): Promise<Who> {
  const { user, expiresAt } = await tokens.verify(token, audiences);
  return { user, isSignedIn: true, expiresAt };
}

/** @throws MillraceError `auth/invalid` */
export function bearerOf(authorization: string | undefined): string | null {
  if (authorization === undefined) return null;
  const token = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization)?.[1];
  if (token === undefined) {
    throw new MillraceError(
      'auth/invalid',
      'The Authorization header is not of the form Bearer TOKEN.',
    );
  }
  return token;
}
