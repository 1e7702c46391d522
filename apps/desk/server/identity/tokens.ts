// Signed tokens (JWT, HS256): the session in its cookie, and the short-lived one for the real-time link.
// Two audiences, so that neither can be used as the other. Refuses to own: where tokens come from.

import { MillraceError } from '@millrace/protocol';
import { errors, jwtVerify, SignJWT } from 'jose';
import * as z from 'zod';
import type { User } from '../../shared/api.ts';

export type Audience = 'desk-session' | 'desk-realtime';

const LIFE_SECONDS: Readonly<Record<Audience, number>> = {
  'desk-session': 30 * 24 * 60 * 60,
  'desk-realtime': 10 * 60,
};

const claims = z.object({
  sub: z.string().min(1).max(100),
  name: z.string().max(100),
  admin: z.boolean(),
  exp: z.number(),
});

export interface Tokens {
  sign(user: User, audience: Audience): Promise<{ token: string; expiresAt: number }>;
  /** @throws MillraceError `auth/expired`, or `auth/invalid` for whatever else is wrong with it */
  verify(token: string, audiences: readonly Audience[]): Promise<{ user: User; expiresAt: number }>;
}

export function createTokens(secret: string): Tokens {
  const key = new TextEncoder().encode(secret);
  return {
    async sign(user, audience) {
      const exp = Math.floor(Date.now() / 1_000) + LIFE_SECONDS[audience];
      const token = await new SignJWT({ name: user.name, admin: user.isAdmin })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(user.id)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(exp)
        .sign(key);
      return { token, expiresAt: exp * 1_000 };
    },
    async verify(token, audiences) {
      try {
        const { payload } = await jwtVerify(token, key, {
          audience: [...audiences],
          algorithms: ['HS256'],
        });
        const { sub, name, admin, exp } = claims.parse(payload);
        return { user: { id: sub, name, isAdmin: admin }, expiresAt: exp * 1_000 };
      } catch (cause) {
        if (cause instanceof errors.JWTExpired) {
          throw new MillraceError('auth/expired', 'The sign-in is over. Sign in again.', { cause });
        }
        throw new MillraceError('auth/invalid', 'The token was refused. Sign in again.', { cause });
      }
    },
  };
}
