// A server of event streams in memory and a clock moved by hand, for the tests of this folder.

import type { PageChange } from '../environment.ts';
import { createManualClock, type ManualClock } from '../testing/manual-clock.ts';
import type { SSEEnvironment } from './sse-options.ts';

export interface Asked {
  readonly method: string;
  readonly headers: Headers;
  readonly body: string | null;
  readonly atMs: number;
  /** The client let it go. */
  readonly signal: AbortSignal;
  answer(response: Response | Error): void;
  /** Answers with an event stream, and what it says. */
  stream(text?: string, headers?: Readonly<Record<string, string>>): void;
  say(text: string): void;
  end(): void;
  cut(): void;
}

export interface SseBed {
  readonly environment: Partial<SSEEnvironment>;
  readonly clock: ManualClock;
  readonly asked: Asked[];
  /** What nobody wanted to hear of. */
  readonly reported: string[];
  readonly network: { isOnline: boolean; random: number };
  page(change: PageChange): void;
  /** The newest request. */
  last(): Asked;
}

export function createSseBed(): SseBed {
  const clock = createManualClock();
  const startedAt = clock.now();
  const asked: Asked[] = [];
  const reported: string[] = [];
  const network = { isOnline: true, random: 0.5 };
  const watchers = new Set<(change: PageChange) => void>();
  let ids = 0;
  const environment: Partial<SSEEnvironment> = {
    ...clock,
    baseUrl: 'http://desk.test/page',
    random: () => network.random,
    randomId: () => `key-${++ids}`,
    isOnline: () => network.isOnline,
    report: (error) => void reported.push(error.message),
    watchPage(listener) {
      watchers.add(listener);
      return () => void watchers.delete(listener);
    },
    fetch: (_url, init) =>
      new Promise((resolve, reject) => {
        asked.push(askedOf(init, clock.now() - startedAt, resolve, reject));
      }),
  };
  return {
    environment,
    clock,
    asked,
    reported,
    network,
    page(change) {
      for (const watcher of [...watchers]) watcher(change);
    },
    last() {
      const newest = asked.at(-1);
      if (newest === undefined) throw new Error('Nothing was asked.');
      return newest;
    },
  };
}

function askedOf(
  init: RequestInit,
  atMs: number,
  resolve: (response: Response) => void,
  reject: (error: Error) => void,
): Asked {
  const encoder = new TextEncoder();
  let body: ReadableStreamDefaultController<Uint8Array> | null = null;
  const signal = init.signal ?? new AbortController().signal;
  signal.addEventListener('abort', () => {
    reject(new DOMException('aborted', 'AbortError'));
    body?.error(new DOMException('aborted', 'AbortError'));
    body = null;
  });
  return {
    method: init.method ?? 'GET',
    headers: new Headers(init.headers),
    body: typeof init.body === 'string' ? init.body : null,
    atMs,
    signal,
    answer(response) {
      if (response instanceof Error) reject(response);
      else resolve(response);
    },
    stream(text = '', headers = {}) {
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          body = controller;
        },
      });
      resolve(
        new Response(stream, { headers: { 'content-type': 'text/event-stream', ...headers } }),
      );
      if (text !== '') this.say(text);
    },
    say: (text) => body?.enqueue(encoder.encode(text)),
    end: () => body?.close(),
    cut: () => body?.error(new TypeError('terminated')),
  };
}
