// The secret of an outside schedule, as `Authorization: Bearer …` (what platforms send) or `X-Cron-Secret`.

import { createHash, timingSafeEqual } from 'node:crypto';

/** Compared in constant time; a server without a secret knows none. */
export function isCronSecret(headers: Headers, secret: string): boolean {
  if (secret === '') return false;
  const bearer = /^Bearer +(.+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  return [headers.get('x-cron-secret'), bearer].some(
    (given) => typeof given === 'string' && timingSafeEqual(digest(given), digest(secret)),
  );
}

/** Of one length whatever was sent: the comparison must not tell the secret's own. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
