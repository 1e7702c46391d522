// `createSSEClient`: any event stream, read by fetch, that comes back by itself. The shell: runs what the machine calls
// for, and hands out messages. Knows nothing of channels; `createClient` does. Rules: ESC-1 … ESC-6.

import { MillraceError, toMillraceError } from '@millrace/protocol';
import { ConnectionState } from '../connection-state.ts';
import { defaultEnvironment } from '../environment.ts';
import {
  IDLE_SSE,
  isBegun,
  requestOf,
  retryAtOf,
  type SseEvent,
  type SseState,
  type SseTold,
  stepSse,
} from './sse-machine.ts';
import type { SSEMessage } from './sse-message.ts';
import { readCall, readRules, type SSEClientOptions, type SSEEnvironment } from './sse-options.ts';
import { openRequest, type SseRequest } from './sse-request.ts';

export interface SSEClient {
  /**
   * Calls `handler` with each message of that name (`message`: those without a name) until the returned function is
   * called. The same handler registers once for a name.
   */
  on(event: string, handler: (message: SSEMessage) => void): () => void;
  /** Opens the stream; while it waits for its next try, or was given up, tries now. Does nothing while it stands. */
  connect(): void;
  /** Ends it at once: no handler is called any more. Idempotent. What runs on the server goes on. */
  disconnect(): void;
  readonly state: ConnectionState;
  /** Why it is not connected; null where nothing failed. */
  readonly error: MillraceError | null;
  /** The id of the last message that had one; the next try sends it as `Last-Event-ID`. Null for none. */
  readonly lastEventId: string | null;
  /** Calls `listener` after each change of `state` or `error`; returns the function that ends it. */
  subscribe(listener: () => void): () => void;
}

/** How such streams say that nothing follows. */
const DONE = '[DONE]';
/** More than that a timer cannot wait. */
const LONGEST_MS = 2 ** 31 - 1;
/** Told to those who watch `state` and `error`. */
const CHANGED = { type: 'changed' } as const;

/**
 * A stream of server-sent events by fetch: with headers, any method and a body, which `EventSource` cannot send.
 * A lost one is tried again from the last id; a repeated POST has the same `Idempotency-Key`, made with each `connect`
 * that begins anew. It ends for good by `disconnect`, a 204, a message `[DONE]`, a status that refuses (4xx except 408
 * and 429), and for a request other than GET also by an end in order of a stream without ids.
 *
 * ```ts
 * const client = createSSEClient({ url: '/api/chat/stream', headers: { authorization: `Bearer ${key}` } });
 * const stop = client.on('message', ({ data }) => show(JSON.parse(data)));
 * client.connect();
 * ```
 * @throws MillraceError `settings/invalid` for an option that cannot be
 */
export function createSSEClient(options: SSEClientOptions): SSEClient {
  const environment: SSEEnvironment = { ...defaultEnvironment(), ...options.environment };
  const call = readCall(options, environment.baseUrl);
  const rules = readRules(options);
  const handlers = new Map<string, Set<(message: SSEMessage) => void>>();
  const listeners = new Set<() => void>();
  const isRepeatable = call.method === 'GET' || call.method === 'HEAD';
  /** What the tries of one `connect` share. */
  let session: { readonly key: string; lastEventId: string | null } = {
    key: '',
    lastEventId: null,
  };
  let machine = IDLE_SSE;
  let current: { number: number; request: SseRequest; response: Response | null } | null = null;
  let cancelRetry: (() => void) | null = null;
  let stopWatching: (() => void) | null = null;
  let untold: (SseTold | typeof CHANGED)[] | null = null;

  function feed(event: SseEvent): void {
    const moment = { now: environment.now(), jitter: environment.random() };
    const before = machine.state;
    const step = stepSse(machine, event, moment, rules);
    machine = step.machine;
    reconcile();
    const told = [...(isSame(before, machine.state) ? [] : [CHANGED]), ...step.told];
    // From inside a callback: its own turn comes when that one has returned.
    if (untold !== null) return void untold.push(...told);
    untold = told;
    try {
      for (let one = untold.shift(); one !== undefined; one = untold.shift()) tell(one);
    } finally {
      untold = null;
    }
  }

  /** Makes request, timer and watch what the machine's state calls for. */
  function reconcile(): void {
    const number = requestOf(machine.state);
    if (current !== null && current.number !== number) {
      current.request.abort();
      current = null;
    }
    if (number !== null && current === null) open(number);
    cancelRetry?.();
    const retryAt = retryAtOf(machine);
    const waitMs = retryAt === null ? null : Math.max(0, retryAt - environment.now());
    cancelRetry =
      waitMs === null
        ? null
        : environment.setTimer(() => feed({ type: 'due' }), Math.min(waitMs, LONGEST_MS));
    if (isBegun(machine.state)) {
      stopWatching ??= environment.watchPage((type) =>
        feed({ type, quietMs: current?.request.quietMs() ?? 0 }),
      );
    } else {
      stopWatching?.();
      stopWatching = null;
    }
  }

  function open(number: number): void {
    const { key, lastEventId } = session;
    const own = {
      ...(isRepeatable ? {} : { 'idempotency-key': key }),
      ...(lastEventId === null || lastEventId === '' ? {} : { 'last-event-id': lastEventId }),
    };
    const request = openRequest(environment, call, own, {
      opened(response) {
        if (current !== null) current.response = response;
        feed({ type: 'opened', request: number });
      },
      message: (message) => receive(number, message),
      moved: (id) => moveTo(number, id),
      retry: (ms) => feed({ type: 'retry', request: number, ms }),
      ended(isEmpty) {
        const goesOn = !isEmpty && (isRepeatable || session.lastEventId !== null);
        const error = new MillraceError('link/lost', 'The stream ended.');
        feed(
          goesOn
            ? { type: 'failed', request: number, error, isFinal: false }
            : { type: 'finished', request: number },
        );
      },
      failed: (error, isFinal) => feed({ type: 'failed', request: number, error, isFinal }),
    });
    current = { number, request, response: null };
  }

  function moveTo(number: number, id: string): void {
    if (id === session.lastEventId) return;
    session.lastEventId = id;
    feed({ type: 'moved', request: number });
  }

  function receive(number: number, message: SSEMessage): void {
    // Before the handlers run, as the position of every subscription.
    if (message.id !== null) moveTo(number, message.id);
    const wanted = handlers.get(message.event);
    for (const handler of [...(wanted ?? [])]) {
      if (wanted?.has(handler) && current?.number === number) attempt(() => handler(message));
    }
    if (message.data === DONE && current?.number === number) {
      feed({ type: 'finished', request: number });
    }
  }

  function tell(told: SseTold | typeof CHANGED): void {
    const response = current?.response;
    if (told.type === 'changed') announce();
    else if (told.type === 'error')
      attempt(() => options.onError?.(told.error), environment.report);
    else if (told.type === 'close') attempt(() => options.onClose?.());
    else if (response) attempt(() => options.onOpen?.(response));
  }

  function announce(): void {
    for (const listener of [...listeners]) if (listeners.has(listener)) attempt(listener);
  }

  /** What a callback throws must not stop the stream. */
  function attempt(callback: () => unknown, report = reportThrown): void {
    try {
      const result = callback();
      if (result instanceof Promise)
        result.catch((thrown: unknown) => report(toMillraceError(thrown)));
    } catch (thrown) {
      report(toMillraceError(thrown));
    }
  }

  function reportThrown(error: MillraceError): void {
    if (options.onError === undefined) environment.report(error);
    else attempt(() => options.onError?.(error), environment.report);
  }

  return {
    on(event, handler) {
      const wanted = handlers.get(event) ?? new Set();
      handlers.set(event, wanted.add(handler));
      return () => {
        wanted.delete(handler);
      };
    },
    connect() {
      if (!isBegun(machine.state)) {
        // A place in another answer means nothing: only a GET goes on where it was.
        const lastEventId = isRepeatable ? session.lastEventId : null;
        session = { key: environment.randomId(), lastEventId };
      }
      if (machine.isOnline !== environment.isOnline()) {
        machine = { ...machine, isOnline: environment.isOnline() };
      }
      feed({ type: 'connect' });
    },
    disconnect: () => feed({ type: 'disconnect' }),
    get state() {
      return stateOf(machine.state);
    },
    get error() {
      return errorOf(machine.state);
    },
    get lastEventId() {
      return session.lastEventId;
    },
    subscribe(listener) {
      // A function of its own: the same listener may subscribe twice.
      const own = (): void => listener();
      listeners.add(own);
      return () => {
        listeners.delete(own);
      };
    },
  };
}

function isSame(before: SseState, after: SseState): boolean {
  return stateOf(before) === stateOf(after) && errorOf(before) === errorOf(after);
}

function errorOf(state: SseState): MillraceError | null {
  return 'error' in state ? state.error : null;
}

function stateOf(state: SseState): ConnectionState {
  switch (state.name) {
    case 'idle':
      return ConnectionState.DISCONNECTED;
    case 'connecting':
      return state.error === null ? ConnectionState.CONNECTING : ConnectionState.RECONNECTING;
    case 'open':
      return ConnectionState.CONNECTED;
    case 'waiting':
      return ConnectionState.RECONNECTING;
    case 'over':
      return state.error === null ? ConnectionState.DISCONNECTED : ConnectionState.ERROR;
  }
}
