// An event-stream reader for tests over node:http that keeps everything, also what an EventSource
// hides: status, headers, comments, id-only blocks, how it ended. Its own parser (HTML standard
// §9.2.6), because the product's is the thing under test.

import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { until } from './wait.ts';

export interface SseEvent {
  /** `message` when the block named none. */
  readonly type: string;
  readonly data: string;
  /** The last id at dispatch, as `lastEventId` would be. */
  readonly id: string;
  readonly atMs: number;
}

export interface RawSseOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly lastEventId?: string;
  /** Default GET, or POST when there is a body. */
  readonly method?: string;
  readonly body?: string;
  /** Milliseconds until the head must have come. Default 30000. */
  readonly deadlineMs?: number;
}

export interface RawSse extends AsyncDisposable {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly events: readonly SseEvent[];
  /** Text after the colon, as sent. */
  readonly comments: readonly string[];
  /** Every `id` line in order, of id-only blocks too. */
  readonly ids: readonly string[];
  /** The newest `retry` line. */
  retryMs(): number | undefined;
  /** The body as text so far: the whole of it where the answer was no stream. */
  text(): string;
  /** Waits until that many events came; resolves with all so far. */
  untilEvents(count: number): Promise<readonly SseEvent[]>;
  /** `end` = complete response; `broken` = the connection broke off. */
  readonly ended: Promise<'end' | 'broken'>;
  close(): void;
}

/** Resolves as soon as the response head is there, whatever its status. */
export async function openRawSse(url: string, options: RawSseOptions = {}): Promise<RawSse> {
  const { lastEventId, body } = options;
  const outgoing = request(url, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    agent: false,
    headers: {
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      ...options.headers,
    },
  });
  const head = Promise.withResolvers<IncomingMessage>();
  const ended = Promise.withResolvers<'end' | 'broken'>();
  outgoing.once('response', head.resolve);
  outgoing.on('error', head.reject);
  outgoing.setTimeout(options.deadlineMs ?? 30_000, () => {
    outgoing.destroy(new Error(`no response head from ${url} in time`));
  });
  outgoing.end(body);
  const incoming = await head.promise;
  outgoing.setTimeout(0);

  const record = createRecord();
  let text = '';
  const decoder = new TextDecoder();
  incoming.on('data', (bytes: Buffer) => {
    const read = decoder.decode(bytes, { stream: true });
    text += read;
    record.push(read);
  });
  incoming.on('error', () => ended.resolve('broken'));
  incoming.on('close', () => ended.resolve(incoming.complete ? 'end' : 'broken'));

  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    events: record.events,
    comments: record.comments,
    ids: record.ids,
    retryMs: record.retryMs,
    text: () => text,
    async untilEvents(count) {
      await until(() => record.events.length >= count, {
        label: `${count} events of ${url}`,
        details: () => `came: ${JSON.stringify(record.events)}, ${record.comments.length} comments`,
      });
      return record.events;
    },
    ended: ended.promise,
    close: () => void outgoing.destroy(),
    async [Symbol.asyncDispose]() {
      outgoing.destroy();
      await ended.promise;
    },
  };
}

interface SseRecord {
  readonly events: SseEvent[];
  readonly comments: string[];
  readonly ids: string[];
  retryMs(): number | undefined;
  push(text: string): void;
}

function createRecord(): SseRecord {
  const events: SseEvent[] = [];
  const comments: string[] = [];
  const ids: string[] = [];
  let retryMs: number | undefined;
  let unfinished = '';
  let block: { type: string; data: string[] } = { type: '', data: [] };

  function takeLine(line: string): void {
    if (line === '') return endBlock();
    const colon = line.indexOf(':');
    if (colon === 0) return void comments.push(line.slice(1));
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') block.data.push(value);
    if (name === 'event') block.type = value;
    if (name === 'id' && !value.includes('\0')) ids.push(value);
    if (name === 'retry' && /^\d+$/.test(value)) retryMs = Number(value);
  }

  function endBlock(): void {
    const { type, data } = block;
    block = { type: '', data: [] };
    if (data.length === 0) return;
    events.push({
      type: type === '' ? 'message' : type,
      data: data.join('\n'),
      id: ids.at(-1) ?? '',
      atMs: performance.now(),
    });
  }

  return {
    events,
    comments,
    ids,
    retryMs: () => retryMs,
    push(text) {
      unfinished += text;
      // A CR at the very end may be half of a CRLF: its line waits for the next read.
      for (;;) {
        const end = /\r\n|\n|\r(?!$)/.exec(unfinished);
        if (end === null) return;
        const line = unfinished.slice(0, end.index);
        unfinished = unfinished.slice(end.index + end[0].length);
        takeLine(line);
      }
    },
  };
}
