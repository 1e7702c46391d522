// Streams whose socket is taken off Node's HTTP objects: that it happens, that it does not where somebody else holds on to
// the response, and that nothing is left of them either way.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { encodeClientFrame } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { createHub } from '../hub.ts';
import type { Hub, HubOptions } from '../hub-types.ts';
import { connectFrame } from '../testing/memory-link.ts';
import { openNotes, testHubOptions } from '../testing/test-channels.ts';
import { waitUntil } from '../testing/waiting.ts';

const notes = openNotes.of({ id: '1' });
const channels = [{ channel: notes.name, start: 'now' as const, version: 1 }];

interface Client extends Disposable {
  readonly socket: Socket;
  received(): string;
}

interface Served extends AsyncDisposable {
  readonly hub: Hub;
  /** The server's ends of its connections. */
  readonly sockets: readonly Socket[];
  open(...requests: string[]): Client;
  links(): number;
}

type Middleware = (req: IncomingMessage, res: ServerResponse) => void;

async function serve(
  before: Middleware = () => undefined,
  options: Partial<HubOptions> = {},
): Promise<Served> {
  const hub = createHub({ ...testHubOptions, ...options });
  const sockets: Socket[] = [];
  const server = createServer((req, res) => {
    before(req, res);
    void hub.handle(req, res).then((isOurs) => {
      if (!isOurs) res.end('not ours');
    });
  });
  server.on('connection', (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    hub,
    sockets,
    open(...requests) {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      socket.on('error', () => undefined);
      socket.write(requests.join(''));
      return { socket, received: () => text, [Symbol.dispose]: () => void socket.destroy() };
    },
    links: () => Object.values(hub.stats().links).reduce((sum, each) => sum + each, 0),
    async [Symbol.asyncDispose]() {
      await hub.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function stream(parts: { readonly version?: string; readonly body?: string } = {}): string {
  const { version = '1.1', body = encodeClientFrame(connectFrame({ channels })) } = parts;
  return [
    `POST /realtime/sse HTTP/${version}`,
    'Host: h',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

const plain = `GET /realtime/events?channel=${encodeURIComponent(notes.name)} HTTP/1.1\r\nHost: h\r\n\r\n`;
const other = 'GET /other HTTP/1.1\r\nHost: h\r\n\r\n';
const isDetached = (socket: Socket | undefined): boolean =>
  socket !== undefined && Reflect.get(socket, 'parser') === null;

async function publish({ hub }: Served, text: string): Promise<void> {
  await hub.publish(notes, { type: 'note', data: { text } });
}

test.each([
  ['a stream of frames', stream(), '"verdict":"exact"'],
  ['a plain stream', plain, ':connected'],
])(
  'SSE-1: %s leaves the HTTP objects behind, and goes on in chunks',
  async (_name, request, first) => {
    await using served = await serve();
    using client = served.open(other, request);
    await waitUntil('the first frames', () => client.received().includes(first));
    expect(isDetached(served.sockets[0])).toBe(true);
    // The request before it on the same connection was answered first.
    expect(client.received()).toMatch(/not ours.*HTTP\/1.1 200 OK/s);
    await publish(served, 'é and more');
    await waitUntil('the event', () => client.received().includes('é and more'));
    const body = client.received().split('\r\n\r\n').slice(2).join('\r\n\r\n');
    let rest = Buffer.from(body);
    while (rest.length > 0) {
      const end = rest.indexOf('\r\n');
      const size = Number.parseInt(rest.toString('latin1', 0, end), 16);
      expect(rest.toString('latin1', end + 2 + size, end + 4 + size)).toBe('\r\n');
      rest = rest.subarray(end + 4 + size);
    }
    client.socket.destroy();
    await waitUntil('no link', () => served.links() === 0);
  },
);

test('SSE-1: with public APIs only nothing is taken off', async () => {
  await using served = await serve(() => undefined, { directWrites: false });
  using client = served.open(stream());
  await waitUntil('the verdict', () => client.received().includes('"verdict":"exact"'));
  expect(isDetached(served.sockets[0])).toBe(false);
});

test.each<readonly [string, Middleware]>([
  [
    'a body that is compressed on the way',
    (_req, res) => {
      res.write = res.write.bind(res);
    },
  ],
  ['a log that waits for the end', (_req, res) => void res.on('finish', () => undefined)],
  ['somebody who watches the request', (req) => void req.on('close', () => undefined)],
])('SSE-1: %s keeps the response, which serves as well', async (_name, before) => {
  await using served = await serve(before);
  using client = served.open(stream());
  await waitUntil('the verdict', () => client.received().includes('"verdict":"exact"'));
  expect(isDetached(served.sockets[0])).toBe(false);
  await publish(served, 'all the same');
  await waitUntil('the event', () => client.received().includes('all the same'));
  client.socket.destroy();
  await waitUntil('no link', () => served.links() === 0);
});

test('SSE-1: whoever waits for the response to close hears of it', async () => {
  let closed = 0;
  await using served = await serve((_req, res) => void res.on('close', () => (closed += 1)));
  using client = served.open(stream());
  await waitUntil('the verdict', () => client.received().includes('"verdict":"exact"'));
  client.socket.destroy();
  await waitUntil('its close', () => closed > 0);
  expect(closed).toBe(1);
});

test('SSE-1: a client of HTTP/1.0 gets a body without chunks', async () => {
  await using served = await serve();
  using client = served.open(stream({ version: '1.0' }));
  await waitUntil('the verdict', () => client.received().includes('"verdict":"exact"'));
  expect(client.received()).not.toContain('chunked');
  expect(isDetached(served.sockets[0])).toBe(false);
});

test('SSE-1: requests that came together leave no link when their connection is cut', async () => {
  await using served = await serve();
  using client = served.open(stream(), stream(), plain);
  await waitUntil('all of them', () => served.links() === 3);
  await waitUntil('the first one', () => client.received().includes('"verdict":"exact"'));
  expect(isDetached(served.sockets[0])).toBe(false);
  client.socket.destroy();
  await waitUntil('no link', () => served.links() === 0);
});

test('LINK-7: a stream that ends while its request is still being read harms nobody', async () => {
  await using served = await serve();
  const unknown = Array.from({ length: 2_300 }, () => '{"channel":"a"}').join(',');
  const { channels: _none, ...rest } = connectFrame();
  const body = `${JSON.stringify(rest).slice(0, -1)},"channels":[${unknown}]}`;
  for (let round = 0; round < 20; round += 1) {
    using client = served.open(stream({ body }), other);
    await waitUntil('verdicts', () => client.received().includes('"verdict":"unknown"'));
  }
  using witness = served.open(stream());
  await waitUntil('the verdict', () => witness.received().includes('"verdict":"exact"'));
  expect(isDetached(served.sockets.at(-1))).toBe(true);
});

test('LINK-7: whoever answers while a user is looked up keeps that answer, and no link is left', async () => {
  const answers: ServerResponse[] = [];
  const asked = Promise.withResolvers<null>();
  await using served = await serve((_req, res) => void answers.push(res), {
    authenticate: () => asked.promise,
  });
  using client = served.open(stream());
  await waitUntil('the link', () => served.links() === 1);
  answers[0]?.end('took too long');
  asked.resolve(null);
  await waitUntil('no link', () => served.links() === 0);
  expect(client.received()).toContain('took too long');
  expect(client.received()).not.toContain('hello');
});
