// One answer as the stream of its request: begun once, watched for as long as somebody wants to, joined again by the same
// key. Leaving stops nothing, and does not lose a question that is still on its way. Refuses to own what is said.
//
//   ask ──▶ asking ──accepted──▶ told ──┐ over
//             │ leave                │ leave ◀──▶ join
//             └─ waits until it is accepted

import {
  ConnectionState,
  createSSEClient,
  type SSEClientOptions,
  type SSEMessage,
} from '@millrace/client';
import type { MillraceError } from '@millrace/protocol';
import { randomId } from './random-id.ts';

export interface AnswerStreamOptions {
  readonly url: string;
  readonly body: unknown;
  readonly headers: SSEClientOptions['headers'];
  readonly fetch: typeof fetch | undefined;
  /** The server has it: the first time, and when it is joined again. */
  opened(response: Response): void;
  message(message: SSEMessage): void;
  /** The server closed it in order, and `over` was not called before. */
  ended(): void;
  /** It was refused, or given up; one that was given up goes on with the page that wakes, or with `join`. */
  failed(error: MillraceError): void;
  changed(): void;
}

export interface AnswerStream {
  /** The idempotency key of all its requests. */
  readonly key: string;
  readonly state: ConnectionState;
  /** Whether the server has ever answered. */
  readonly isAccepted: boolean;
  /** Nobody watches any more: as soon as the server has it, the stream is closed. */
  leave(): void;
  /** Watches again; one that waits for its next try is tried now. */
  join(): void;
  /** It has said all. Idempotent. */
  over(): void;
}

export function createAnswerStream(options: AnswerStreamOptions): AnswerStream {
  const { url, body, fetch } = options;
  const key = randomId();
  let isWanted = true;
  let isAccepted = false;
  let isOver = false;
  const client = createSSEClient({
    url,
    body,
    headers: async () => ({ ...(await headersOf(options.headers)), 'idempotency-key': key }),
    ...(fetch !== undefined && { environment: { fetch } }),
    onOpen(response) {
      isAccepted = true;
      options.opened(response);
      if (!isWanted) client.disconnect();
    },
    onClose() {
      if (isOver) return;
      if (client.error !== null) options.failed(client.error);
      else if (isWanted) options.ended();
    },
  });
  client.on('message', (message) => options.message(message));
  client.on('error', (message) => options.message(message));
  client.subscribe(() => options.changed());
  client.connect();

  return {
    key,
    get state() {
      return client.state;
    },
    get isAccepted() {
      return isAccepted;
    },
    leave() {
      isWanted = false;
      if (isAccepted) client.disconnect();
    },
    join() {
      isWanted = true;
      if (!isOver) client.connect();
    },
    over() {
      isOver = true;
      client.disconnect();
    },
  };
}

async function headersOf(
  headers: SSEClientOptions['headers'],
): Promise<Readonly<Record<string, string>>> {
  return typeof headers === 'function' ? headers() : (headers ?? {});
}

/** One word for several streams: the best of those that are under way. */
export function stateOfAll(
  states: readonly ConnectionState[],
  idle: ConnectionState,
): ConnectionState {
  const { CONNECTED, RECONNECTING, CONNECTING, ERROR } = ConnectionState;
  return (
    [CONNECTED, RECONNECTING, CONNECTING, ERROR].find((state) => states.includes(state)) ?? idle
  );
}

/** Calls what the application gave; what it throws must not stop a stream, and is reported as any page's error is. */
export function callBack(callback: () => void): void {
  try {
    callback();
  } catch (thrown) {
    queueMicrotask(() => {
      throw thrown;
    });
  }
}
