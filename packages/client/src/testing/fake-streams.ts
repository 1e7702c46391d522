// A server of event streams in memory, in place of `fetch`: for tests of what reads them, without a server. Every request
// waits until the test answers it.

export interface FakeStreams {
  /** Give it to whoever takes a `fetch`, or put it in the place of the global one. */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  /** Oldest first. */
  readonly requests: readonly FakeRequest[];
  /** The newest request. @throws Error where there was none */
  last(): FakeRequest;
}

export interface FakeRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  /** Null for none, or one that is no text. */
  readonly body: string | null;
  /** The client let it go. */
  readonly isAborted: boolean;
  /** Answers with anything, or fails as a network does. */
  answer(response: Response | Error): void;
  /** Answers with an event stream, and what it says first. */
  open(text?: string, headers?: Readonly<Record<string, string>>): void;
  /** More of the open stream. */
  say(text: string): void;
  /** The stream ends in order. */
  end(): void;
  /** The stream breaks off. */
  cut(): void;
}

export function createFakeStreams(): FakeStreams {
  const requests: FakeRequest[] = [];
  return {
    requests,
    fetch: (input, init = {}) =>
      new Promise((resolve, reject) => {
        const url = input instanceof Request ? input.url : String(input);
        requests.push(createFakeRequest(url, init, resolve, reject));
      }),
    last() {
      const newest = requests.at(-1);
      if (newest === undefined) throw new Error('Nothing was asked.');
      return newest;
    },
  };
}

function createFakeRequest(
  url: string,
  init: RequestInit,
  resolve: (response: Response) => void,
  reject: (error: Error) => void,
): FakeRequest {
  const encoder = new TextEncoder();
  let stream: ReadableStreamDefaultController<Uint8Array> | null = null;
  const { signal } = init;
  signal?.addEventListener('abort', () => {
    const error = new DOMException('The request was aborted.', 'AbortError');
    reject(error);
    stream?.error(error);
    stream = null;
  });

  function say(text: string): void {
    stream?.enqueue(encoder.encode(text));
  }

  return {
    url,
    method: init.method ?? 'GET',
    headers: new Headers(init.headers),
    body: typeof init.body === 'string' ? init.body : null,
    get isAborted() {
      return signal?.aborted ?? false;
    },
    answer(response) {
      if (response instanceof Error) reject(response);
      else resolve(response);
    },
    open(text = '', headers = {}) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          stream = controller;
        },
      });
      resolve(new Response(body, { headers: { 'content-type': 'text/event-stream', ...headers } }));
      if (text !== '') say(text);
    },
    say,
    end() {
      stream?.close();
      stream = null;
    },
    cut() {
      stream?.error(new TypeError('terminated'));
      stream = null;
    },
  };
}
