// Who asks, as somebody who may own things.

import { MillraceError } from '@millrace/protocol';
import type { User } from '../../shared/api.ts';
import type { Users } from '../identity/users.ts';
import type { DeskContext } from './routes.ts';

/** @throws MillraceError `auth/required` where the access table lets in nobody, and nobody it is */
export async function askerOf(c: DeskContext, users: Users): Promise<User> {
  const { user } = c.get('who');
  if (user === null) throw new MillraceError('auth/required', 'Sign in first.');
  await users.keep(user);
  return user;
}
