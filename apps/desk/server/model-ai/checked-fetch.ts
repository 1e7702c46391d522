// `fetch` for addresses that users give: connects only to what was checked. The name is looked up once, by the socket
// itself, and an address inside this server's network is refused there: between a check and a connection no second
// lookup can say something else. Follows no redirect. Aborting closes the upstream socket, which ends the bill.

import { lookup as lookUp } from 'node:dns';
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { MillraceError } from '@millrace/protocol';
import { type AddressRules, hostOf, isLax, isPrivateAddress } from './ai-address.ts';

export interface CheckedFetch {
  readonly fetch: typeof fetch;
  close(): void;
}

/** Of one answer, and of a refusal: whoever is at a user's address may send without end, and what reads it keeps it all. */
const MOST_BYTES = 64 * 1_024 * 1_024;
const MOST_REFUSAL_BYTES = 64 * 1_024;

/** Nothing at all from a provider for so long: it is dead. */
const SILENCE_MS = 120_000;

export function createCheckedFetch(rules: AddressRules): CheckedFetch {
  const lookup = isLax(rules) ? undefined : checkedLookup;
  // Own ones: a socket that others opened was not checked.
  const options = { keepAlive: true, timeout: SILENCE_MS, ...(lookup && { lookup }) };
  const http = new HttpAgent(options);
  const https = new HttpsAgent(options);

  async function checkedFetch(
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : input);
    const isTls = url.protocol === 'https:';
    const host = hostOf(url);
    // A number is not looked up.
    if (lookup !== undefined && (!isTls || (isIP(host) !== 0 && isPrivateAddress(host)))) {
      throw inside(host);
    }
    const { method = 'GET', body = null, signal } = init;
    if (body !== null && typeof body !== 'string') throw new TypeError('The body is a text here.');
    const headers = Object.fromEntries(new Headers(init.headers));
    const send = isTls ? requestHttps : requestHttp;
    const request = send(url, {
      ...{ method, headers, agent: isTls ? https : http },
      ...(signal ? { signal } : {}),
    });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    request.once('response', resolve);
    request.once('timeout', () =>
      request.destroy(new Error(`The provider was silent for ${SILENCE_MS} ms.`)),
    );
    request.on('error', reject);
    if (body === null) request.end();
    else request.end(body);
    return toResponse(await promise);
  }

  return {
    fetch: checkedFetch,
    close() {
      http.destroy();
      https.destroy();
    },
  };
}

function toResponse(message: IncomingMessage): Response {
  const { statusCode: status = 502, statusMessage: statusText = '', headers } = message;
  const known = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    for (const one of [value ?? []].flat()) known.append(name, one);
  }
  const isEmpty = status === 204 || status === 205 || status === 304;
  if (isEmpty) message.resume();
  // The codec's edge: Node's web streams are the ones that Response takes, by another name.
  const body = isEmpty
    ? null
    : (Readable.toWeb(message) as ReadableStream<Uint8Array>).pipeThrough(
        atMost(status >= 300 ? MOST_REFUSAL_BYTES : MOST_BYTES),
      );
  return new Response(body, { status, statusText, headers: known });
}

/** What comes after so many bytes ends in an error, and the socket is closed. */
function atMost(most: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes <= most) controller.enqueue(chunk);
      else {
        const message = `The AI provider sent more than the ${most} bytes that are read.`;
        controller.error(new MillraceError('request/invalid', message));
      }
    },
  });
}

const checkedLookup: LookupFunction = (host, options, done) => {
  lookUp(host, { ...options, all: true }, (error, found) => {
    if (error !== null) return done(error, '');
    // One that is inside spoils the name: which of them a socket takes is not ours to say.
    if (found.some(({ address }) => isPrivateAddress(address))) return done(inside(host), '');
    if (options.all === true) return done(null, found);
    const [first] = found;
    if (first === undefined) return done(new Error(`${host} has no address.`), '');
    done(null, first.address, first.family);
  });
};

function inside(host: string): MillraceError & NodeJS.ErrnoException {
  return new MillraceError(
    'request/invalid',
    `The base URL’s host ${host} is inside this server’s own network, which is not allowed here.`,
  );
}
