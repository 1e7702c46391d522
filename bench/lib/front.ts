// Stands before a Desk as the server of a user's own would: has one page of its own, hands everything
// else through, and counts the bytes on the browser's sockets, both directions. (A page that a test
// tool slips into the browser will not do: Chromium lets none but a loopback page open a loopback
// WebSocket.)

import { createServer, request } from 'node:http';
import { connect, type Socket } from 'node:net';

export interface Front extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** On all of the browser's sockets so far. */
  bytes(): number;
}

/** `html` is served at `/bench-chat`. */
export async function startFront(port: number, html: string): Promise<Front> {
  const open = new Set<Socket>();
  let bytesOfClosed = 0;
  const bytesOf = (socket: Socket): number => socket.bytesRead + socket.bytesWritten;

  const server = createServer((incoming, outgoing) => {
    if (incoming.url?.startsWith('/bench-chat') === true) {
      outgoing.setHeader('content-type', 'text/html; charset=utf-8').end(html);
      return;
    }
    const { method, headers, url: path } = incoming;
    const passed = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers).flushHeaders();
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  server.on('connection', (socket) => {
    open.add(socket.setNoDelay());
    socket.on('close', () => {
      open.delete(socket);
      bytesOfClosed += bytesOf(socket);
    });
  });
  server.on('upgrade', ({ method, url, rawHeaders }, socket, head) => {
    const through = connect({ host: '127.0.0.1', port, noDelay: true });
    const lines = [`${method} ${url} HTTP/1.1`];
    for (let n = 0; n < rawHeaders.length; n += 2) {
      lines.push(`${rawHeaders[n]}: ${rawHeaders[n + 1]}`);
    }
    through.write(`${lines.join('\r\n')}\r\n\r\n`);
    through.write(head);
    through.pipe(socket).pipe(through);
    // Either end may go first; the other follows.
    through.on('error', () => socket.destroy());
    socket.on('error', () => through.destroy());
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    bytes: () => [...open].reduce((sum, socket) => sum + bytesOf(socket), bytesOfClosed),
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of open) socket.destroy();
      await closed.promise;
    },
  };
}
