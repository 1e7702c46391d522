// The one error class of the product and the closed list of its codes.
// Owns: what each code means to a client (policy), to HTTP (status) and to a WebSocket (close code).
// Refuses to own: texts for people beyond one sentence; docs/errors.md holds those and is checked against this list.
// Rules: ERR-1 … ERR-4.

/** What a client does after an error, exactly one of four. */
export type ErrorPolicy = 'stop' | 'reauthenticate' | 'retry' | 'retry-slowly';

interface ErrorTraits {
  readonly policy: ErrorPolicy;
  /** Status of an HTTP answer that carries this error. */
  readonly status: number;
  /** Close code of a WebSocket that ends with this error; 0 where a link never ends because of it. */
  readonly close: number;
}

const traits = (policy: ErrorPolicy, status: number, close = 0): ErrorTraits => ({
  policy,
  status,
  close,
});

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
  | 'request/conflict'
  | 'request/invalid'
  | 'request/method'
  | 'request/not-found'
  | 'request/timeout'
  | 'server/internal'
  | 'server/overloaded'
  | 'server/shutdown'
  | 'settings/data-locked'
  | 'settings/invalid'
  | 'settings/port-busy';

/** What each code means to a client, to HTTP and to a WebSocket. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorTraits>> = {
  'auth/required': traits('reauthenticate', 401, 4401),
  'auth/invalid': traits('reauthenticate', 401, 4402),
  'auth/expired': traits('reauthenticate', 401, 4403),
  'auth/denied': traits('stop', 403, 4404),
  'auth/origin': traits('stop', 403, 4405),
  'channel/unknown': traits('stop', 404),
  'channel/ended': traits('stop', 410),
  'channel/invalid-name': traits('stop', 400),
  'contract/invalid': traits('stop', 500),
  'contract/unknown-event': traits('stop', 400),
  'contract/invalid-event': traits('stop', 400),
  'contract/outdated': traits('stop', 409),
  'cursor/malformed': traits('stop', 400),
  'engine/unavailable': traits('retry', 503),
  'engine/closed': traits('stop', 503),
  'limit/body-size': traits('stop', 413),
  'limit/channels': traits('stop', 400),
  'limit/event-size': traits('stop', 413),
  'limit/frame-size': traits('stop', 413, 4409),
  'limit/links': traits('retry-slowly', 429, 4429),
  'limit/publishes': traits('retry-slowly', 429),
  'link/buffered': traits('retry', 502),
  'link/closed': traits('stop', 499, 1000),
  'link/lost': traits('retry', 502),
  'link/no-beat': traits('retry', 504),
  'link/no-connect': traits('retry', 408, 4408),
  'link/refused': traits('retry', 502),
  'link/replaced': traits('stop', 409, 4410),
  'link/slow': traits('retry', 503, 4411),
  'protocol/malformed': traits('stop', 400, 4400),
  'protocol/version': traits('stop', 400, 4406),
  'request/conflict': traits('stop', 409),
  'request/invalid': traits('stop', 400),
  'request/method': traits('stop', 405),
  'request/not-found': traits('stop', 404),
  'request/timeout': traits('retry', 408),
  'server/internal': traits('retry-slowly', 500, 4500),
  'server/overloaded': traits('retry-slowly', 503, 4503),
  'server/shutdown': traits('retry', 503, 1012),
  'settings/data-locked': traits('stop', 500),
  'settings/invalid': traits('stop', 500),
  'settings/port-busy': traits('stop', 500),
};

/** The shape of an error on every wire and in every HTTP answer (under the key `error`). */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
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
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MillraceError';
    this.code = code;
    this.details = options.details;
  }

  get retryable(): boolean {
    return isRetryable(this.code);
  }

  get policy(): ErrorPolicy {
    return ERROR_CODES[this.code].policy;
  }

  /** The wire shape; also what `JSON.stringify` gives. */
  toJSON(): WireError {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);
}

/** Turns anything thrown into the one class; what is not ours becomes `server/internal` with the original as cause. */
export function toMillraceError(thrown: unknown): MillraceError {
  if (thrown instanceof MillraceError) return thrown;
  return new MillraceError('server/internal', 'Something failed inside. The log has the details.', {
    cause: thrown,
  });
}

/** Rebuilds an error that came over the wire. A code this build does not know keeps its text and its `retryable`. */
export function parseWireError(value: unknown): MillraceError {
  const wire: Record<string, unknown> = isRecord(value) ? value : {};
  const message =
    typeof wire['message'] === 'string' ? wire['message'] : 'The peer gave no reason.';
  const details = isRecord(wire['details']) ? { details: wire['details'] } : {};
  if (isErrorCode(wire['code'])) return new MillraceError(wire['code'], message, details);
  // A newer peer's code: its own word on retrying is all that can be kept of it (ERR-3).
  const code =
    wire['retryable'] === true
      ? 'server/overloaded'
      : wire['retryable'] === false
        ? 'request/invalid'
        : 'server/internal';
  return new MillraceError(code, message, { details: { peerCode: wire['code'] } });
}

function isRetryable(code: ErrorCode): boolean {
  const { policy } = ERROR_CODES[code];
  return policy === 'retry' || policy === 'retry-slowly';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
