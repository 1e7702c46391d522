// Who am I, who is there, sign in, sign out, and a token for the real-time link.
// The sign-in by a bare name exists only where settings allow it; elsewhere these routes answer as if it weren't there.

import { MillraceError } from '@millrace/protocol';
import { deleteCookie, setCookie } from 'hono/cookie';
import * as z from 'zod';
import type {
  MeAnswer,
  SignInRequest,
  TokenAnswer,
  User,
  UsersAnswer,
} from '../../../shared/api.ts';
import { sessionCookieName, type Who } from '../../identity/who.ts';
import { readJson } from '../read-query.ts';
import type { AddRoute, DeskContext } from '../routes.ts';
import type { Services } from '../services.ts';

const signInSchema: z.ZodType<SignInRequest> = z.object({
  // Control characters would let a name rewrite a log line or a page's layout.
  name: z
    .string()
    .trim()
    .min(1)
    .max(40)
    .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u, 'has characters that cannot be shown'),
});

type Needed = Pick<Services, 'settings' | 'users' | 'tokens' | 'log'>;

export function addIdentityRoutes(add: AddRoute, { settings, users, tokens, log }: Needed): void {
  const { hasDevSignIn, isProduction } = settings;
  const cookie = sessionCookieName(isProduction);
  const me = ({ user, isSignedIn }: Who): MeAnswer => ({
    user,
    isSignedIn,
    canSignInByName: hasDevSignIn,
  });
  const requireDevSignIn = (): void => {
    if (hasDevSignIn) return;
    throw new MillraceError('request/not-found', 'Nobody signs in by name on this server.');
  };
  const startSession = async (c: DeskContext, user: User): Promise<void> => {
    const { token, expiresAt } = await tokens.sign(user, 'desk-session');
    setCookie(c, cookie, token, {
      path: '/',
      httpOnly: true,
      sameSite: 'Lax',
      secure: isProduction,
      expires: new Date(expiresAt),
    });
  };

  add('GET /api/me', (c) => c.json(me(c.get('who'))));

  add('GET /api/users', async (c) => {
    requireDevSignIn();
    const answer: UsersAnswer = { users: await users.list() };
    return c.json(answer);
  });

  add('POST /api/sign-in', async (c) => {
    requireDevSignIn();
    const { name } = await readJson(c, signInSchema);
    const user = await users.pickOrCreate(name);
    await startSession(c, user);
    log.info({ userId: user.id }, 'signed in');
    return c.json(me({ user, isSignedIn: true }));
  });

  add('POST /api/sign-out', (c) => {
    deleteCookie(c, cookie, { path: '/', secure: isProduction });
    return c.body(null, 204);
  });

  add('GET /api/token', async (c) => {
    const { user, isSignedIn } = c.get('who');
    const none: TokenAnswer = { token: null, expiresAt: null };
    if (user === null || !isSignedIn) return c.json(none);
    const { token, expiresAt } = await tokens.sign(user, 'desk-realtime');
    const answer: TokenAnswer = { token, expiresAt: new Date(expiresAt).toISOString() };
    return c.json(answer);
  });
}
