// Tokens of the benches' users: `user.signature`, HMAC-SHA256. Made by whoever starts the load, checked by the server.

import { createHmac } from 'node:crypto';

export const tokenSecret = 'a secret of the benches and of nobody else';

export function makeToken(user: string): string {
  return `${user}.${createHmac('sha256', tokenSecret).update(user).digest('base64url')}`;
}
