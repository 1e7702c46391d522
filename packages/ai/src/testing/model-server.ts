// A model provider of a test's own: OpenAI's chat completions over real HTTP, answered as scripted, broken as asked, and
// telling what reached it and when each line was closed by whom. Refuses to own: what answers say (model-answer.ts).

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { completionOf, framesOf, type ModelAnswer } from './model-answer.ts';

/** Who ended the line of a request, and when by `performance.now()`. */
export interface ModelLineEnd {
  readonly by: 'client' | 'server';
  readonly atMs: number;
}

export interface ModelRequest {
  /** From 0 on, over all models. */
  readonly number: number;
  readonly path: string;
  /** The key is masked. */
  readonly headers: Readonly<Record<string, string>>;
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** By `performance.now()`. */
  readonly atMs: number;
  /** When its first frame went out that says something, or its whole answer; null before. */
  readonly saidAtMs: number | null;
  /** Null while it is open. */
  readonly ended: ModelLineEnd | null;
  readonly whenEnded: Promise<ModelLineEnd>;
}

export interface ModelServerOptions {
  /** What a request is answered with for which nothing is queued. Default: `Fine.` */
  readonly answer?: (request: ModelRequest) => ModelAnswer | Promise<ModelAnswer>;
  /** 0, the default, is any that is free. */
  readonly port?: number;
}

export interface ModelServer extends AsyncDisposable {
  /** What clients take for `baseURL`, `/v1` at its end. */
  readonly url: string;
  /** In the order of their coming. */
  readonly requests: readonly ModelRequest[];
  /** The next requests, in turn; of that model alone where one is named. */
  queue(answers: readonly ModelAnswer[], model?: string): void;
  /** Ends every line. Idempotent. */
  close(): Promise<void>;
}

/** Resolves once it listens, on loopback alone. */
export async function createModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const requests: Received[] = [];
  const queued: { readonly model: string | null; readonly answer: ModelAnswer }[] = [];
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  function nextOf(model: string): ModelAnswer | null {
    const at = queued.findIndex((one) => one.model === null || one.model === model);
    return at < 0 ? null : (queued.splice(at, 1)[0]?.answer ?? null);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const received = receive(request, response, body, requests.length);
    requests.push(received);
    if (request.method !== 'POST' || !received.path.endsWith('/chat/completions')) {
      sendJson(response, 404, { error: { message: 'No such path.', type: 'invalid_request' } });
      return;
    }
    const scripted = nextOf(received.model) ?? (await options.answer?.(received)) ?? {};
    await answerTo(received, scripted, response);
  }

  let closing: Promise<void> | null = null;
  function close(): Promise<void> {
    closing ??= (async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    })();
    return closing;
  }

  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    queue(answers, model) {
      for (const answer of answers) queued.push({ model: model ?? null, answer });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Received extends ModelRequest {
  saidAtMs: number | null;
  ended: ModelLineEnd | null;
}

function receive(
  { url = '/', headers }: IncomingMessage,
  response: ServerResponse,
  body: Readonly<Record<string, unknown>>,
  number: number,
): Received {
  const { promise: whenEnded, resolve } = Promise.withResolvers<ModelLineEnd>();
  const model = body['model'];
  const received: Received = {
    number,
    path: url,
    body,
    whenEnded,
    saidAtMs: null,
    ended: null,
    headers: masked(headers),
    model: typeof model === 'string' ? model : '',
    atMs: performance.now(),
  };
  response.once('close', () => {
    const isOurs = response.writableFinished || cutByServer.has(response);
    received.ended = { by: isOurs ? 'server' : 'client', atMs: performance.now() };
    resolve(received.ended);
  });
  return received;
}

async function answerTo(
  request: Received,
  answer: ModelAnswer,
  response: ServerResponse,
): Promise<void> {
  const { body, number, model } = request;
  const { fault, everyMs = 0 } = answer;
  const id = `chatcmpl-${number}`;
  if (fault?.is === 'status') {
    if (fault.retryAfterS !== undefined) response.setHeader('retry-after', fault.retryAfterS);
    sendJson(response, fault.status, { error: { message: 'As scripted.', type: 'scripted' } });
    return;
  }
  if (fault?.is === 'cut' && fault.at < 0) return cut(response);
  if (fault?.is === 'slow' && fault.holdsHead === true) await pause(fault.afterMs);
  if (body['stream'] !== true) {
    if (fault?.is === 'stall') return;
    if (fault?.is === 'cut') return cut(response);
    if (fault?.is === 'slow' && fault.holdsHead !== true) await pause(fault.afterMs);
    request.saidAtMs = performance.now();
    if (fault?.is === 'malformed') response.end('{"choices": [');
    else sendJson(response, 200, completionOf(answer, { id, model }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.flushHeaders();
  if (fault?.is === 'slow' && fault.holdsHead !== true) await pause(fault.afterMs);
  const { include_usage: includesUsage = false } = (body['stream_options'] ?? {}) as {
    readonly include_usage?: boolean;
  };
  const frames = framesOf(answer, { id, model }, includesUsage);
  for (const [at, frame] of [...frames, null].entries()) {
    await answer.waits?.get(at);
    if (response.destroyed) return;
    if (fault !== undefined && 'at' in fault && fault.at === at) {
      if (fault.is === 'stall') return;
      if (fault.is === 'cut') return cut(response);
      if (fault.is === 'end') break;
      if (fault.is === 'malformed') response.write('data: {"choices": [{"del\n\n');
      else if (fault.is === 'duplicate') response.write(`data: ${frame ?? '[DONE]'}\n\n`);
      else {
        const { message = 'The model is overloaded.' } = fault;
        const error = { message, type: 'server_error', code: 'overloaded' };
        response.write(`data: ${JSON.stringify({ error })}\n\n`);
      }
    }
    if (frame === null) break;
    if (at === 1) request.saidAtMs = performance.now();
    if (fault?.is === 'split-letters') await writeSplit(response, frame);
    else response.write(`data: ${frame}\n\n`);
    if (everyMs > 0) await pause(everyMs);
  }
  response.end();
}

/** In two packets where a letter has several bytes: the reader gets half of it first. */
async function writeSplit(response: ServerResponse, frame: string): Promise<void> {
  const bytes = Buffer.from(`data: ${frame}\n\n`);
  // Behind the first byte of a letter of several.
  const at = bytes.findIndex((byte) => byte >= 0xc0) + 1;
  if (at === 0) {
    response.write(bytes);
    return;
  }
  response.write(bytes.subarray(0, at));
  await pause(10);
  response.write(bytes.subarray(at));
}

/** What was destroyed here, and not by its client. */
const cutByServer = new WeakSet<ServerResponse>();

function cut(response: ServerResponse): void {
  cutByServer.add(response);
  // A reset, as of a server that dies.
  response.socket?.resetAndDestroy();
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function masked(headers: IncomingMessage['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const isSecret = name === 'authorization' || name.endsWith('api-key');
      return [name, isSecret ? `${String(value).slice(0, 10)}…` : String(value)];
    }),
  );
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
}

/** Unref: a server that was closed in the middle of an answer keeps no process alive. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
