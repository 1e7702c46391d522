// A small server without any product code, for testing the test bed: an SSE stream, a long-poll, a
// WebSocket, a POST that counts, and a page. `send` goes to all that listen at that moment.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';

export interface PlainServer extends AsyncDisposable {
  readonly port: number;
  /** To every open stream as one chunk, socket as one frame, and waiting poll as its answer. */
  send(text: string): void;
  /** Completes every open stream. */
  endStreams(): void;
  /** Bodies that arrived by POST, and texts by WebSocket. */
  readonly received: readonly string[];
  readonly openStreams: number;
  readonly openSockets: number;
  readonly waitingPolls: number;
}

export async function startPlainServer(options: {
  readonly port?: number;
  readonly page?: string;
}): Promise<PlainServer> {
  const streams = new Set<ServerResponse>();
  const polls = new Set<ServerResponse>();
  const received: string[] = [];
  let lastId = 0;

  const routes: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
    '/stream': (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      streams.add(response);
      response.on('close', () => streams.delete(response));
    },
    '/poll': (_request, response) => {
      polls.add(response);
      response.on('close', () => polls.delete(response));
    },
    '/publish': (request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => void parts.push(part));
      request.on('end', () => {
        received.push(Buffer.concat(parts).toString());
        response.end(`got ${received.length}`);
      });
    },
    '/fixed': (_request, response) => void response.end('fixed body'),
    '/none': (_request, response) => void response.writeHead(204).end(),
    '/': (_request, response) =>
      void response.setHeader('content-type', 'text/html').end(options.page ?? ''),
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const route = routes[path];
    if (route) route(request, response);
    else response.writeHead(404).end('no such path');
  });
  const sockets = new WebSocketServer({ server, path: '/ws' });
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => void received.push(data.toString()));
    // A broken socket is the point of these tests; `close` follows.
    socket.on('error', () => socket.terminate());
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(options.port ?? 0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    port: address.port,
    send(text) {
      lastId += 1;
      for (const stream of streams) stream.write(`id: ${lastId}\ndata: ${text}\n\n`);
      for (const socket of sockets.clients) socket.send(text);
      for (const poll of polls) poll.end(text);
    },
    endStreams() {
      for (const stream of streams) stream.end();
    },
    received,
    get openStreams() {
      return streams.size;
    },
    get openSockets() {
      return sockets.clients.size;
    },
    get waitingPolls() {
      return polls.size;
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await closed.promise;
    },
  };
}
