// A WebSocket on which ai 7's `WebSocketChatTransport` asks and reads: each request is a viewer of a run, several at a
// time, each with its own numbers. Refuses to own: who may start and read what (`start` and `resume`, the route's), the
// upgrade. Rules: CHATWS-1 … CHATWS-4.

import { MillraceError, toMillraceError } from '@millrace/protocol';
import { parseJsonObject } from '@millrace/protocol/wire';
import type { Hub } from '@millrace/server';
import {
  safeValidateWebSocketChatTransportRequest,
  type WebSocketChatTransportResumeRequest,
  type WebSocketChatTransportSendRequest,
} from 'ai';
import { watchRun } from './run-feed.ts';
import { uiStream } from './ui-stream.ts';

/** What is needed of a socket: one of the `ws` package fits. It stays its owner's to make. */
export interface ChatSocket {
  /** Bytes that were sent and not taken yet. */
  readonly bufferedAmount: number;
  /** `taken` is called once the text has left, or can't. */
  send(text: string, taken: () => void): void;
  close(code: number, reason: string): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close' | 'error', listener: () => void): void;
}

export interface ChatSocketOptions {
  readonly hub: Hub;
  /** A question: resolves with the run that answers it. What it rejects with is told, if it is a MillraceError. */
  start(request: WebSocketChatTransportSendRequest): Promise<{ readonly runId: string }>;
  /** Which run a chat has at work; null for none. */
  resume(request: WebSocketChatTransportResumeRequest): Promise<{ readonly runId: string } | null>;
  /**
   * What an `abort` does besides ending the reading. Default: nothing, since a page that is left aborts too. For an
   * application whose answers are nothing without their page: `(runId) => runs.stop(runId, by)`.
   */
  readonly onAbort?: (runId: string) => unknown;
  /** The one place for what fails in the background. */
  readonly onError: (error: MillraceError) => void;
  /** Bytes of one frame from the client. Past it the request is refused. Default 1,048,576. */
  readonly maxFrameBytes?: number;
  /** Requests at a time. Past it a further one is refused. Default 16. */
  readonly maxRequests?: number;
  /** Bytes that may wait for the client before its readers wait with them. Default 262,144. */
  readonly maxQueueBytes?: number;
  /** A client that takes nothing in for so long with a full queue is closed, ms. Default 30,000. */
  readonly slowAfterMs?: number;
}

/** Serves the socket until it closes; resolves then. Closing it, or an `abort`, ends a viewer and no run. */
export function serveChatSocket(socket: ChatSocket, options: ChatSocketOptions): Promise<void> {
  const { maxFrameBytes = 1_048_576, maxRequests = 16 } = options;
  const { maxQueueBytes = 262_144, slowAfterMs = 30_000 } = options;
  /** By request id. Aborts with `ABORTED` where the client asked for it. */
  const open = new Map<string, AbortController>();
  /** Those that go on once less waits for the client: whoever's bytes they were. */
  const waiting = new Set<() => void>();
  const closed = Promise.withResolvers<void>();

  socket.addEventListener('message', ({ data }) => {
    received(data).catch((thrown: unknown) => options.onError(toMillraceError(thrown)));
  });
  // `close` follows.
  socket.addEventListener('error', () => undefined);
  socket.addEventListener('close', () => {
    for (const viewer of open.values()) viewer.abort();
    closed.resolve();
  });
  return closed.promise;

  async function received(data: unknown): Promise<void> {
    if (typeof data !== 'string') return refuse('', 'A frame is a text message.');
    if (Buffer.byteLength(data) > maxFrameBytes) {
      return refuse(idAtBegin(data), `A frame has at most ${maxFrameBytes} bytes.`);
    }
    const frame = readObject(data);
    const requestId = typeof frame?.['requestId'] === 'string' ? frame['requestId'] : '';
    if (requestId === '' || requestId.length > 200) return refuse('', 'A frame has a requestId.');
    const { type } = frame ?? {};
    // Not after the wait for the others' validation: it would come before the request that it ends.
    if (type === 'abort') return open.get(requestId)?.abort(ABORTED);
    if (open.has(requestId)) return refuse(requestId, 'There is a request with this id.');
    if (open.size >= maxRequests) return refuse(requestId, 'Too many requests at a time.');
    const viewer = new AbortController();
    open.set(requestId, viewer);
    try {
      await answer(requestId, frame, viewer.signal);
    } finally {
      open.delete(requestId);
    }
  }

  async function answer(requestId: string, value: unknown, signal: AbortSignal): Promise<void> {
    try {
      const { runId } = (await begin(value)) ?? { runId: null };
      if (signal.reason === ABORTED && runId !== null) await options.onAbort?.(runId);
      if (signal.aborted) return;
      if (runId === null) return tell({ type: 'no-active', requestId });
      tell({ type: 'start', requestId });
      await view(requestId, runId, signal);
      if (signal.reason === ABORTED) await options.onAbort?.(runId);
    } catch (thrown) {
      const error = toMillraceError(thrown);
      if (error.code === 'server/internal') options.onError(error);
      if (!signal.aborted) refuse(requestId, error.message);
    }
  }

  /** @throws MillraceError `request/invalid`, and what `start` and `resume` do */
  async function begin(value: unknown): Promise<{ readonly runId: string } | null> {
    const read = await safeValidateWebSocketChatTransportRequest({ value });
    if (!read.success) throw new MillraceError('request/invalid', read.error.message);
    switch (read.data.type) {
      case 'send':
        return options.start(read.data);
      case 'resume':
        return options.resume(read.data);
      case 'abort':
        return null;
    }
  }

  /** Resolves once it has told the end, has said that there is none, or is aborted. */
  function view(requestId: string, runId: string, signal: AbortSignal): Promise<void> {
    const head = `{"type":"chunk","requestId":${JSON.stringify(requestId)},"sequence":`;
    const over = Promise.withResolvers<void>();
    let sequence = 0;
    let rest: string[] = [];
    /** Runs while more waits for the client than may. */
    let late: NodeJS.Timeout | undefined;
    const watching = watchRun(options.hub, { runId, told: uiStream(7) }, (news) => {
      switch (news.type) {
        case 'begun':
        case 'said':
          rest = [...news.said.items];
          return putRest();
        case 'end':
          tell({ type: 'end', requestId });
          over.resolve();
          break;
        case 'cut':
          refuse(requestId, 'The answer was broken off here. Read it again.');
          over.resolve();
          break;
        case 'failed':
          over.reject(news.error);
          break;
      }
      return true;
    });

    /** Whether there is room for more. */
    function putRest(): boolean {
      for (let item = rest.shift(); item !== undefined; item = rest.shift()) {
        socket.send(`${head}${sequence},"chunk":${item}}`, taken);
        sequence += 1;
        if (isFull()) break;
      }
      if (!isFull()) return true;
      waiting.add(goOn);
      late ??= setTimeout(() => socket.close(1013, 'link/slow'), slowAfterMs);
      return false;
    }

    function goOn(): void {
      clearTimeout(late);
      late = undefined;
      if (putRest()) watching.goOn();
    }

    function leave(): void {
      watching.leave();
      over.resolve();
    }
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave);
    return over.promise.finally(() => {
      waiting.delete(goOn);
      clearTimeout(late);
      signal.removeEventListener('abort', leave);
    });
  }

  function isFull(): boolean {
    return socket.bufferedAmount > maxQueueBytes;
  }

  /** Something has left. */
  function taken(): void {
    for (const goOn of [...waiting]) {
      if (isFull()) return;
      waiting.delete(goOn);
      goOn();
    }
  }

  function refuse(requestId: string, errorText: string): void {
    tell({ type: 'error', requestId, errorText });
  }

  function tell(frame: Readonly<Record<string, string>>): void {
    // Refusals wait for nobody: whoever asks without reading must not fill the memory.
    if (socket.bufferedAmount > 2 * maxQueueBytes) return socket.close(1013, 'link/slow');
    socket.send(JSON.stringify(frame), taken);
  }
}

const ABORTED = Symbol('aborted by the client');

/** Null for what is none. */
function readObject(text: string): ReturnType<typeof parseJsonObject> | null {
  try {
    return parseJsonObject(text);
  } catch (thrown) {
    // Told to the client as a frame without an id.
    if (toMillraceError(thrown).code === 'protocol/malformed') return null;
    throw thrown;
  }
}

/** Of a frame that is too long to be read: where the transport itself puts it. */
function idAtBegin(text: string): string {
  return /^\{"type":"[a-z]+","requestId":"([^"\\]{1,200})"/.exec(text)?.[1] ?? '';
}
