// Who is at the other end of a real-time link, and what they may read there: the hub's `authenticate` and `authorize`.
// The Floor is a shop window: whoever may open the page may read its channels. Nobody publishes from outside.

import type { AuthRequest, Identity } from '@millrace/server';
import { type WhoOptions, whoIs } from './who.ts';

const FLOOR = ['agent_messages', 'market_ticks', 'agent_equity', 'agent_activity'];

/** @throws MillraceError `auth/invalid`, `auth/expired` for a token or cookie that does not count */
export async function hubIdentity(
  { token, headers }: AuthRequest,
  options: WhoOptions,
): Promise<Identity | null> {
  const cookie = headers['cookie'];
  const { user, expiresAt } = await whoIs(
    { token, cookie: typeof cookie === 'string' ? cookie : undefined, authorization: undefined },
    options,
  );
  if (user === null) return null;
  return {
    id: user.id,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    claims: { isAdmin: user.isAdmin },
  };
}

export function mayRead(action: string, channelType: string): boolean {
  return (action === 'subscribe' || action === 'history') && FLOOR.includes(channelType);
}
