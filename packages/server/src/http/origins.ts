// Which pages may talk to this server: its own and those on the list. Rules: AUTH-4.
//
// A browser sends `Origin` with every cross-origin request and every WebSocket, and `Sec-Fetch-Site` with nearly all.
// Without either, a cookie still means a browser: an old one, whose request could come from any page.

import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import { MillraceError } from '@millrace/protocol';

export interface Origins {
  /** The origin that must be named in CORS headers; null for a request of the server's own page or of no browser. */
  check(req: IncomingMessage): string | null;
}

/** @throws MillraceError `settings/invalid` for an entry that is no origin */
export function createOrigins(list: readonly string[]): Origins {
  const allowed = new Set(list.map(parseOrigin));
  return {
    /** @throws MillraceError `auth/origin` */
    check(req) {
      const { origin } = req.headers;
      if (origin === undefined) {
        if (isTrustedWithoutOrigin(req)) return null;
        throw refusal('The request comes from a browser but does not say from which page');
      }
      if (isOwn(req, origin)) return null;
      if (allowed.has(origin)) return origin;
      throw refusal('Pages of this origin may not connect');
    },
  };
}

function isOwn(req: IncomingMessage, origin: string): boolean {
  const { host } = req.headers;
  if (host === undefined || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  // Exact text: what is not in a browser's own form was not sent by one.
  if (url.origin !== origin || url.host !== host.toLowerCase()) return false;
  // Behind a proxy that ends TLS this socket is plain although the page is not; the reverse cannot be.
  const isEncrypted = req.socket instanceof TLSSocket;
  return url.protocol === 'https:' || (url.protocol === 'http:' && !isEncrypted);
}

function isTrustedWithoutOrigin({ headers }: IncomingMessage): boolean {
  // Only the site counts: Node's fetch sends `Sec-Fetch-Mode` too, but a browser never sends that alone.
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  return headers.cookie === undefined;
}

function refusal(what: string): MillraceError {
  return new MillraceError('auth/origin', `${what}. Add it to the hub's \`origins\`.`);
}

function parseOrigin(text: string): string {
  if (URL.canParse(text)) {
    const { origin } = new URL(text);
    if (origin !== 'null' && (text === origin || text === `${origin}/`)) return origin;
  }
  throw new MillraceError(
    'settings/invalid',
    `"${text}" is no origin. Write it like https://app.example.com, without a path.`,
  );
}
