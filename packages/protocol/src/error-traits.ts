// What each error code means to HTTP and to a WebSocket: the server's part of the table, which no page loads.
// docs/errors.md has one row for each code and is checked against this table and the policies of errors.ts.
// Rules: ERR-1, LINK-7.

import type { ErrorCode } from './errors.ts';

export interface ErrorTraits {
  /** Status of an HTTP answer that carries this error. */
  readonly status: number;
  /** Close code of a WebSocket that ends with this error; 0 where a link never ends because of it. */
  readonly close: number;
}

const traits = (status: number, close = 0): ErrorTraits => ({ status, close });

export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorTraits>> = {
  'auth/required': traits(401, 4401),
  'auth/invalid': traits(401, 4402),
  'auth/expired': traits(401, 4403),
  'auth/denied': traits(403, 4404),
  'auth/origin': traits(403, 4405),
  'channel/unknown': traits(404),
  'channel/ended': traits(410),
  'channel/invalid-name': traits(400),
  'contract/invalid': traits(500),
  'contract/unknown-event': traits(400),
  'contract/invalid-event': traits(400),
  'contract/outdated': traits(409),
  'cursor/malformed': traits(400),
  'engine/unavailable': traits(503),
  'engine/closed': traits(503),
  'limit/body-size': traits(413),
  'limit/channels': traits(400),
  'limit/event-size': traits(413),
  'limit/frame-size': traits(413, 4409),
  'limit/links': traits(429, 4429),
  'limit/publishes': traits(429),
  'limit/runs': traits(429),
  'limit/tokens': traits(429),
  'link/buffered': traits(502),
  'link/closed': traits(499, 1000),
  'link/lost': traits(502),
  'link/no-beat': traits(504),
  'link/no-connect': traits(408, 4408),
  'link/refused': traits(502),
  'link/replaced': traits(409, 4410),
  'link/slow': traits(503, 4411),
  'protocol/malformed': traits(400, 4400),
  'protocol/version': traits(400, 4406),
  'publish/conflict': traits(409),
  'publish/fenced': traits(409),
  'publish/sequence-gap': traits(409),
  'request/conflict': traits(409),
  'request/invalid': traits(400),
  'request/method': traits(405),
  'request/not-found': traits(404),
  'request/timeout': traits(408),
  'run/failed': traits(502),
  'server/internal': traits(500, 4500),
  'server/overloaded': traits(503, 4503),
  'server/shutdown': traits(503, 1012),
  'settings/data-locked': traits(500),
  'settings/invalid': traits(500),
  'settings/port-busy': traits(500),
};
