// The one error class of the product, the closed list of its codes, and what a client does after each.
// Refuses to own: what a server needs besides (error-traits.ts), so that no page loads it;
// texts for people beyond one sentence: docs/errors.md holds those and is checked against this list.
// Rules: ERR-1 … ERR-4.

import { isJsonObject, type JsonObject } from './json-object.ts';

/** What a client does after an error, exactly one of four. */
export type ErrorPolicy = 'stop' | 'reauthenticate' | 'retry' | 'retry-slowly';

/** Every code there is, `area/problem`. docs/errors.md has one row for each. */
export type ErrorCode =
  | 'auth/required'
  | 'auth/invalid'
  | 'auth/expired'
  | 'auth/denied'
  | 'auth/origin'
  | 'channel/unknown'
  | 'channel/ended'
  | 'channel/invalid-name'
  | 'contract/invalid'
  | 'contract/unknown-event'
  | 'contract/invalid-event'
  | 'contract/outdated'
  | 'cursor/malformed'
  | 'engine/unavailable'
  | 'engine/closed'
  | 'limit/body-size'
  | 'limit/channels'
  | 'limit/event-size'
  | 'limit/frame-size'
  | 'limit/links'
  | 'limit/publishes'
  | 'limit/runs'
  | 'limit/tokens'
  | 'link/buffered'
  | 'link/closed'
  | 'link/lost'
  | 'link/no-beat'
  | 'link/no-connect'
  | 'link/refused'
  | 'link/replaced'
  | 'link/slow'
  | 'protocol/malformed'
  | 'protocol/version'
  | 'publish/conflict'
  | 'publish/fenced'
  | 'publish/sequence-gap'
  | 'request/conflict'
  | 'request/invalid'
  | 'request/method'
  | 'request/not-found'
  | 'request/timeout'
  | 'run/failed'
  | 'server/internal'
  | 'server/overloaded'
  | 'server/shutdown'
  | 'settings/data-locked'
  | 'settings/invalid'
  | 'settings/port-busy';

/** What a client does after each. What they mean to HTTP and to a WebSocket stands in error-traits.ts. */
export const ERROR_POLICIES: Readonly<Record<ErrorCode, ErrorPolicy>> = {
  'auth/required': 'reauthenticate',
  'auth/invalid': 'reauthenticate',
  'auth/expired': 'reauthenticate',
  'auth/denied': 'stop',
  'auth/origin': 'stop',
  'channel/unknown': 'stop',
  'channel/ended': 'stop',
  'channel/invalid-name': 'stop',
  'contract/invalid': 'stop',
  'contract/unknown-event': 'stop',
  'contract/invalid-event': 'stop',
  'contract/outdated': 'stop',
  'cursor/malformed': 'stop',
  'engine/unavailable': 'retry',
  'engine/closed': 'stop',
  'limit/body-size': 'stop',
  'limit/channels': 'stop',
  'limit/event-size': 'stop',
  'limit/frame-size': 'stop',
  'limit/links': 'retry-slowly',
  'limit/publishes': 'retry-slowly',
  'limit/runs': 'retry-slowly',
  'limit/tokens': 'retry-slowly',
  'link/buffered': 'retry',
  'link/closed': 'stop',
  'link/lost': 'retry',
  'link/no-beat': 'retry',
  'link/no-connect': 'retry',
  'link/refused': 'retry',
  'link/replaced': 'stop',
  'link/slow': 'retry',
  'protocol/malformed': 'stop',
  'protocol/version': 'stop',
  'publish/conflict': 'stop',
  'publish/fenced': 'stop',
  'publish/sequence-gap': 'stop',
  'request/conflict': 'stop',
  'request/invalid': 'stop',
  'request/method': 'stop',
  'request/not-found': 'stop',
  'request/timeout': 'retry',
  'run/failed': 'stop',
  'server/internal': 'retry-slowly',
  'server/overloaded': 'retry-slowly',
  'server/shutdown': 'retry',
  'settings/data-locked': 'stop',
  'settings/invalid': 'stop',
  'settings/port-busy': 'stop',
};

/** The shape of an error on every wire and in every HTTP answer (under the key `error`). */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

export interface ErrorOptions {
  /** Machine-readable facts: offsets, sizes, `retryAfterMs`. Never secrets: they cross the wire. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * The one error class: `code` is of a closed list, `message` says what happened, then what to do.
 * `retryable` follows from the code. The cause stays on its own side of the wire.
 */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'MillraceError';
    this.code = code;
    this.details = options.details;
  }

  get retryable(): boolean {
    return this.policy.startsWith('retry');
  }

  get policy(): ErrorPolicy {
    return ERROR_POLICIES[this.code];
  }

  /** The wire shape; also what `JSON.stringify` gives. */
  toJSON(): WireError {
    const { code, message, retryable, details } = this;
    return { code, message, retryable, details };
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_POLICIES, value);
}

/** Turns anything thrown into the one class; what is not ours becomes `server/internal` with the original as cause. */
export function toMillraceError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  return new MillraceError('server/internal', 'Something failed. See the log.', {
    cause: thrown,
  });
}

/** Rebuilds an error that came over the wire. A code this build does not know keeps its text and its `retryable`. */
export function parseWireError(value: unknown): MillraceError {
  const { code, message, retryable, details }: JsonObject = isJsonObject(value) ? value : {};
  const text = typeof message === 'string' ? message : 'No reason was given.';
  if (isErrorCode(code)) {
    return new MillraceError(code, text, isJsonObject(details) ? { details } : {});
  }
  // A newer peer's code: its own word on retrying is all that can be kept of it (ERR-3).
  const nearest = retryable === false ? 'request/invalid' : 'server/internal';
  return new MillraceError(nearest, text, { details: { peerCode: code } });
}
