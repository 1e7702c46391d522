// What is true of a request's other side, with proxies in between: its address, and the origin it was asked at.
// `X-Forwarded-*` counts only from a proxy on the list (TRUST_PROXY). Refuses to own: who the person is.

import type { IncomingMessage } from 'node:http';
import type { IsTrusted } from '../settings/trusted-proxies.ts';

export interface Peer {
  readonly address: string;
  readonly isHttps: boolean;
  /** Scheme, host and port under which the browser knows this server. */
  readonly origin: string;
}

export function describePeer(request: IncomingMessage, isTrusted: IsTrusted): Peer {
  const socketAddress = request.socket.remoteAddress ?? '';
  const isProxied = isTrusted(socketAddress);
  const isTls = 'encrypted' in request.socket && request.socket.encrypted === true;
  const scheme = (isProxied && header(request, 'x-forwarded-proto')) || (isTls ? 'https' : 'http');
  const host = (isProxied && header(request, 'x-forwarded-host')) || request.headers.host || '';
  return {
    address: (isProxied && farthest(request, isTrusted)) || socketAddress,
    isHttps: scheme === 'https',
    origin: `${scheme}://${host}`,
  };
}

/** Whether a page of this origin may call: this server's own, or one on the list (AUTH-4). */
export function isAllowedOrigin(
  request: IncomingMessage,
  peer: Peer,
  origins: readonly string[],
): boolean {
  const { origin, cookie } = request.headers;
  if (origin !== undefined) return origin === peer.origin || origins.includes(origin);
  const site = request.headers['sec-fetch-site'];
  if (site === undefined) return cookie === undefined || request.method === 'GET';
  return site === 'same-origin' || site === 'none' || isNavigation(request);
}

/** Following a link from another site shows a page; it runs nothing and reads nothing for that site. */
function isNavigation(request: IncomingMessage): boolean {
  return request.method === 'GET' && request.headers['sec-fetch-mode'] === 'navigate';
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  const text = Array.isArray(value) ? value[0] : value;
  // A chain of proxies appends; the first entry is what the browser spoke to.
  return text?.split(',')[0]?.trim().toLowerCase() || undefined;
}

/** From the right, the first address that is no proxy of ours: what stands left of it anybody may have written. */
function farthest(request: IncomingMessage, isTrusted: IsTrusted): string | undefined {
  const value = request.headers['x-forwarded-for'];
  const chain = (Array.isArray(value) ? value.join(',') : (value ?? '')).split(',');
  const addresses = chain.map((part) => part.trim()).filter((part) => part !== '');
  return addresses.findLast((address) => !isTrusted(address)) ?? addresses[0];
}
