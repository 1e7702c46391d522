// What `createClient` is given, checked at once: misuse throws at the call.

import { MillraceError } from '@millrace/protocol';
import type { Carrier } from './transports/transport.ts';

/** Best first. */
export const CARRIERS: readonly [Carrier, ...Carrier[]] = ['websocket', 'sse', 'poll'];

/** The hub's address, absolute and without a slash at its end. @throws MillraceError `settings/invalid` */
export function resolveUrl(url: string, baseUrl: string | undefined): string {
  try {
    const { origin, pathname } = new URL(url, baseUrl);
    return origin + pathname.replace(/\/+$/, '');
  } catch (cause) {
    const text = `"${url}" is no address here. Give an absolute one.`;
    throw new MillraceError('settings/invalid', text, { cause });
  }
}

/** @throws MillraceError `settings/invalid` */
export function checkCarriers([first, ...rest]: readonly Carrier[] = CARRIERS): readonly [
  Carrier,
  ...Carrier[],
] {
  if (first !== undefined) return [first, ...rest];
  throw new MillraceError('settings/invalid', '`transports` is empty.');
}
