// `createSSEClient` over real sockets: what a memory cannot do (bytes that split characters, resets, a server that is away).

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ConnectionState, createSSEClient } from '@millrace/client';
import { describe, expect, test } from 'vitest';
import { until } from '../support/wait.ts';

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

/** Answers one request after the other, the last way for all that follow. */
async function serve(...answers: readonly Answer[]) {
  const requests: IncomingMessage[] = [];
  const server = createServer((req, res) => {
    requests.push(req);
    answers[Math.min(requests.length, answers.length) - 1]?.(req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    url: `http://127.0.0.1:${port}/stream`,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const head = { 'Content-Type': 'text/event-stream; charset=utf-8' };
const fast = { initialRetryDelay: 20, maxRetryDelay: 50 };

/** Blocks 1 … `to` that the reader does not have, byte for byte as slowly as sockets may be. */
function tellAfter(req: IncomingMessage, to: number): Buffer {
  const after = Number(req.headers['last-event-id'] ?? 0);
  const blocks = Array.from({ length: Math.max(0, to - after) }, (_, at) => {
    const id = after + at + 1;
    return `id: ${id}\ndata: ${id} żółć 🚀\n\n`;
  });
  return Buffer.from(blocks.join(''));
}

describe('createSSEClient over sockets', () => {
  test('ESC-2: with resets within blocks and within characters, each message comes once and in order', async () => {
    const total = 40;
    let cut = 7;
    using server = await serve((req, res) => {
      const bytes = tellAfter(req, total);
      if (bytes.length === 0) return void res.writeHead(204).end();
      res.writeHead(200, head);
      // Each time a little further, so that every place within a block is cut.
      cut += 1;
      res.write(bytes.subarray(0, cut), () => {
        if (cut < bytes.length) res.socket?.resetAndDestroy();
        else res.end();
      });
    });
    const seen: string[] = [];
    const client = createSSEClient({ url: server.url, body: 'ask', ...fast, maxRetries: 200 });
    client.on('message', ({ data }) => seen.push(data));
    client.connect();
    await until(() => client.state === ConnectionState.DISCONNECTED, { label: 'the end' });
    expect(seen).toEqual(Array.from({ length: total }, (_, at) => `${at + 1} żółć 🚀`));
    const keys = new Set(server.requests.map(({ headers }) => headers['idempotency-key']));
    expect(keys.size).toBe(1);
    expect(server.requests.length).toBeGreaterThan(10);
  });

  test('ESC-4: a server that asks for a second is left alone for it', async () => {
    const at: number[] = [];
    using server = await serve(
      (_, res) => {
        at.push(performance.now());
        res.writeHead(503, { 'Retry-After': '1' }).end();
      },
      (_, res) => {
        at.push(performance.now());
        res.writeHead(200, head).write('data: up\n\n');
      },
    );
    const seen: string[] = [];
    const client = createSSEClient({ url: server.url, ...fast });
    client.on('message', ({ data }) => seen.push(data));
    client.connect();
    await until(() => seen.length === 1, { label: 'the message' });
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(990);
    client.disconnect();
  });

  test('ESC-3: a server that is away is tried, given up, and reached by the next connect', async () => {
    const closed = await serve();
    closed[Symbol.dispose]();
    const errors: string[] = [];
    const onError = ({ code }: { readonly code: string }) => void errors.push(code);
    const client = createSSEClient({ url: closed.url, ...fast, maxRetries: 2, onError });
    client.connect();
    await until(() => client.state === ConnectionState.ERROR, { label: 'giving up' });
    expect(errors).toEqual(['link/refused', 'link/refused', 'link/refused']);
    client.disconnect();
  });
});
