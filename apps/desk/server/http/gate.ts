// What every request passes before anything looks at it, the hub's included: HTTPS in production, a known host
// in development, and an origin that may call. A refusal is one JSON error; an upgrade is answered the same way.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ERROR_CODES, MillraceError } from '@millrace/protocol';
import type { IsTrusted } from '../settings/trusted-proxies.ts';
import { isKeyed } from './keyed.ts';
import { describePeer, isAllowedOrigin } from './peer.ts';

export interface GateOptions {
  readonly isProduction: boolean;
  /** The address that Desk listens on. */
  readonly host: string;
  readonly origins: readonly string[];
  readonly isTrusted: IsTrusted;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;

/** Null when the request may go on, else why not. */
export function refusalOf(request: IncomingMessage, options: GateOptions): MillraceError | null {
  const peer = describePeer(request, options.isTrusted);
  const isHealth = request.url === '/health' || request.url === '/health/live';
  if (options.isProduction && !peer.isHttps && !isHealth) {
    return new MillraceError(
      'auth/denied',
      'This server answers over HTTPS only. Use its https:// address.',
    );
  }
  // A name that resolves to this machine would otherwise let any site's page act as the developer (DNS rebinding).
  if (LOOPBACK.test(options.host) && !options.isTrusted(request.socket.remoteAddress ?? '')) {
    if (!LOOPBACK.test(request.headers.host ?? '')) {
      return new MillraceError(
        'auth/origin',
        'Desk listens on this machine only: call it by localhost.',
      );
    }
  }
  const isApi = request.url?.startsWith('/api/') === true;
  if (isApi && !isKeyed(request) && !isAllowedOrigin(request, peer, options.origins)) {
    return new MillraceError('auth/origin', originMessage(request.headers.origin));
  }
  return null;
}

function originMessage(origin: string | undefined): string {
  return origin === undefined
    ? 'Pages of other sites may not call this server.'
    : `Pages of ${origin} may not call this server. Add it to ORIGINS if they should.`;
}

export function refuse(response: ServerResponse, error: MillraceError): void {
  const body = JSON.stringify({ error });
  response.writeHead(ERROR_CODES[error.code].status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

/** Answers an upgrade that nobody takes: plain HTTP, then the socket closes. */
export function refuseUpgrade(socket: Duplex, error: MillraceError): void {
  const body = JSON.stringify({ error });
  const { status } = ERROR_CODES[error.code];
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
