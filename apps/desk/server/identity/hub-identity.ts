// Who is at the other end of a real-time link, and what they may read there: the hub's `authenticate` and `authorize`.
// The Floor is a shop window: whoever may open the page may read its channels. Nobody publishes from outside.

import type { AuthRequest, ChannelInfo, Identity } from '@millrace/server';
import { type WhoOptions, whoIs } from './who.ts';

const CHAT = ['ai_run', 'conversation'];
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

export interface ReadRules {
  /** Whether a user may read this chat's or AI run's channel. */
  mayReadChat(
    userId: string,
    channel: { readonly type: string; readonly id: string },
  ): Promise<boolean>;
}

/** A chat, and each answer in it, is its user's alone. */
export async function mayRead(
  identity: Identity | null,
  action: string,
  { type, params }: ChannelInfo,
  { mayReadChat }: ReadRules,
): Promise<boolean> {
  if (action !== 'subscribe' && action !== 'history') return false;
  if (FLOOR.includes(type)) return true;
  const [id] = params;
  if (identity === null || !CHAT.includes(type) || id === undefined) return false;
  return mayReadChat(identity.id, { type, id });
}
