// Requests over node:http, where every header may be set and nothing is added, and over a bare socket.

import { request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export function rawRequest(url: string, options: RawRequest = {}): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const { method = 'POST', headers = {}, body } = options;
  const req = request(url, { method, headers, agent: false }, (res) => {
    let text = '';
    res.setEncoding('utf8');
    res.on('data', (chunk: string) => {
      text += chunk;
    });
    res.on('close', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }));
    // A stream that stays open: its head is the answer.
    if (String(res.headers['content-type']).startsWith('text/event-stream')) {
      setTimeout(() => res.destroy(), 50);
    }
  });
  req.on('error', reject);
  req.end(body);
  return promise;
}

/** The `error.code` of an answer, or its status. */
export function codeOf({ status, text }: RawAnswer): string {
  try {
    const answer: { error?: { code?: string } } = JSON.parse(text);
    return answer.error?.code ?? String(status);
  } catch {
    return String(status);
  }
}

export interface RawSocket extends Disposable {
  readonly socket: Socket;
  /** Everything that came, as latin1. */
  readonly text: string;
  readonly isClosed: boolean;
}

export function rawSocket(url: string, firstText: string): RawSocket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  let isClosed = false;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
  });
  socket.write(firstText);
  return {
    socket,
    get text() {
      return text;
    },
    get isClosed() {
      return isClosed;
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}
