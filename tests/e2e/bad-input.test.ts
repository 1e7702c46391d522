// Rubbish against a running Desk, over real sockets: each case has its documented code, the process
// goes on, and another connected client notices nothing.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { ERROR_CODES, isErrorCode } from '@millrace/protocol';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openRawHttp } from '../support/raw-http.ts';
import { freePort, until } from '../support/wait.ts';
import { connectFrame, openRawLink } from './desk/raw-link.ts';
import { type Desk, deskRoot, startDesk } from './desk/start-desk.ts';
import { startWitness, type Witness } from './desk/witness.ts';
import { startProbeServer } from './probe/server.ts';

let desk: Desk;
let witness: Witness;

beforeAll(async () => {
  desk = await startDesk({ CHAT_EVERY_MS: '0' });
  witness = await startWitness(desk.url);
});

afterEach(() => witness.hasNoticedNothing());

afterAll(async () => {
  await witness[Symbol.asyncDispose]();
  await desk[Symbol.asyncDispose]();
});

const deep = `{"type":"connect","channels":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
const long = `{"type":"connect","pad":"${'x'.repeat(70_000)}"}`;
const wide = `{"type":"connect",${Array.from({ length: 5_000 }, (_, n) => `"k${n}":1`).join()}}`;

describe('over a WebSocket', () => {
  test.each<readonly [string, string | Uint8Array, string]>([
    ['what is no JSON', 'hello', 'protocol/malformed'],
    ['half a JSON', '{"type":"connect"', 'protocol/malformed'],
    ['nothing', '', 'protocol/malformed'],
    ['a list', '[]', 'protocol/malformed'],
    ['null', 'null', 'protocol/malformed'],
    ['a type that is no string', '{"type":1}', 'protocol/malformed'],
    ['a binary message', Buffer.from('{"type":"probe"}'), 'protocol/malformed'],
    ['60,000 brackets', deep, 'protocol/malformed'],
    ['5,000 keys and no session', wide, 'protocol/malformed'],
    [
      'a prototype as channels',
      connectFrame({ channels: { __proto__: [] } }),
      'protocol/malformed',
    ],
    ['a short session', connectFrame({ session: 'x' }), 'protocol/malformed'],
    ['a link of -1', connectFrame({ link: -1 }), 'protocol/malformed'],
    ['a link of 1e300', connectFrame({ link: 1e300 }), 'protocol/malformed'],
    ['a channel that is no object', connectFrame({ channels: [7] }), 'protocol/malformed'],
    ['another protocol', connectFrame({ protocol: 99 }), 'protocol/version'],
    [
      'a channel with a line break in its name',
      connectFrame({ channels: [{ channel: 'a\nb', from: 'now' }] }),
      'channel/invalid-name',
    ],
    [
      'a bad cursor',
      connectFrame({ channels: [{ channel: 'agent_messages', cursor: 'e.-1' }] }),
      'cursor/malformed',
    ],
    ['a token that is none', connectFrame({ token: 'x.y.z' }), 'auth/invalid'],
    ['70 KB', long, 'limit/frame-size'],
  ])('LINK-2: %s ends the link with its code', async (_, data, code) => {
    await using link = await openRawLink(desk.url);
    link.send(data);
    const close = await link.untilClosed();
    expect(await link.untilFrame('error')).toMatchObject({ error: { code } });
    // What has no close code of its own ends as what cannot be read.
    expect(close).toBe((isErrorCode(code) && ERROR_CODES[code].close) || 4400);
  });

  test('LINK-2: rubbish after `connect` ends that link only, a frame of an unknown type not even that', async () => {
    await using link = await openRawLink(desk.url);
    link.send(connectFrame());
    await link.untilFrame('hello');
    link.send('{"type":"from-the-future","deep":{"a":[1]}}');
    link.send('{"type":"probe"}');
    await link.untilFrame('beat');
    link.send('{"type":"publish","id":"one"}');
    expect(await link.untilClosed()).toBe(4400);
  });

  test('SUB-6: an unknown channel is unknown, the others on the link are served', async () => {
    await using link = await openRawLink(desk.url);
    link.send(
      connectFrame({
        channels: [
          { channel: 'no_such_thing:1', from: 'now' },
          { channel: 'agent_messages', from: 'now' },
        ],
      }),
    );
    await expect
      .poll(() => link.frames.filter(({ type }) => type === 'verdict'), { timeout: 15_000 })
      .toEqual([
        expect.objectContaining({ channel: 'no_such_thing:1', verdict: 'unknown' }),
        expect.objectContaining({ channel: 'agent_messages', verdict: 'exact' }),
      ]);
  });

  test('LIM-3: channels over the limit are denied, the first ones stay', async () => {
    // Desk has too few channels to reach it; the hub is the same.
    await using server = await startProbeServer({ hasPage: false });
    await using link = await openRawLink(`http://127.0.0.1:${server.port}`);
    const channels = Array.from({ length: 130 }, (_, n) => ({
      channel: `probe:${n}`,
      from: 'now',
    }));
    link.send(connectFrame({ channels }));
    const verdicts = await until(
      () => {
        const found = link.frames.filter(({ type }) => type === 'verdict');
        return found.length === 130 && found;
      },
      { label: '130 verdicts' },
    );
    const denied = verdicts.filter(({ verdict }) => verdict === 'denied');
    expect(denied).toHaveLength(30);
    expect(denied.every((one) => JSON.stringify(one).includes('limit/channels'))).toBe(true);
    await server.publish('0', 1);
    expect(await link.untilFrame('events')).toMatchObject({ channel: 'probe:0' });
  });

  test('PUB-2: publishing without permission is refused for that event alone', async () => {
    await using link = await openRawLink(desk.url);
    link.send(connectFrame({ channels: [{ channel: 'agent_messages', from: 'now' }] }));
    await link.untilFrame('hello');
    const event = { type: 'message', data: { id: 'x', agentId: 'gemini_grid' } };
    const events = [
      { channel: 'agent_messages', event },
      { channel: 'nowhere', event },
    ];
    link.send(JSON.stringify({ type: 'publish', id: 7, events }));
    const { results } = await link.untilFrame('published');
    expect(results).toMatchObject([
      { error: { code: 'auth/denied' } },
      { error: { code: 'channel/unknown' } },
    ]);
    link.send('{"type":"probe"}');
    await link.untilFrame('beat');
  });

  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const upgrade =
    'GET /realtime/ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: millrace.1\r\n\r\n`;
  test.each<readonly [string, readonly number[]]>([
    ['an unmasked frame', [0x81, 0x02, 0x7b, 0x7d]],
    ['reserved bits', [0xf1, 0x80, 0, 0, 0, 0]],
    ['an unknown opcode', [0x8b, 0x80, 0, 0, 0, 0]],
    ['a length of 2^63', [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
    ['a text that is no UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]],
    ['a ping of 126 bytes', [0x89, 0xfe, 0x00, 0x7e, 0, 0, 0, 0]],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0]],
    ['a compressed frame that was not agreed', [0xc1, 0x80, 0, 0, 0, 0]],
  ])('WS-1: %s ends that socket', async (_, bytes) => {
    await using raw = await openRawHttp({ port: desk.server.port });
    raw.write(upgrade);
    await expect.poll(() => raw.received(), { timeout: 15_000 }).toMatch(/^HTTP\/1\.1 101/);
    raw.write(Uint8Array.from(bytes));
    await expect(Promise.race([raw.closed, deadline()])).resolves.toMatch(/fin|rst/);
  });

  test('LIM-1: fragments without end are cut off at the limit', async () => {
    await using raw = await openRawHttp({ port: desk.server.port });
    raw.write(upgrade);
    await expect.poll(() => raw.received(), { timeout: 15_000 }).toMatch(/^HTTP\/1\.1 101/);
    const part = Buffer.concat([
      Buffer.from([0x01, 0xfe, 0x40, 0x00, 0, 0, 0, 0]),
      Buffer.alloc(16_384, 'x'),
    ]);
    const more = Buffer.from(part);
    more[0] = 0x00;
    raw.write(part);
    for (let n = 0; n < 5; n += 1) raw.write(more);
    await expect(Promise.race([raw.closed, deadline()])).resolves.toMatch(/fin|rst/);
    expect(raw.received()).toMatch(/limit\/frame-size/);
  });
});

/** Of an answer's body; null where Node itself answered. */
function codeOf(body: string): unknown {
  return (JSON.parse(body) as { error: { code: unknown } }).error.code;
}

function post(path: string, body: string, headers = ''): string {
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${body.length}\r\n${headers}\r\n${body}`;
}

/** For a race with something that must happen. */
function deadline(ms = 15_000): Promise<string> {
  return new Promise((resolve) => setTimeout(resolve, ms, `nothing in ${ms} ms`).unref());
}

const host = 'Host: 127.0.0.1\r\n';

describe('over HTTP', () => {
  test.each<readonly [string, string, number, string | null]>([
    ['a stream for broken JSON', post('/realtime/sse', '{"type":'), 400, 'protocol/malformed'],
    ['a poll for a list', post('/realtime/poll', '[]'), 400, 'protocol/malformed'],
    [
      'a poll for another frame',
      post('/realtime/poll', '{"type":"probe"}'),
      400,
      'protocol/malformed',
    ],
    ['a poll of 60,000 brackets', post('/realtime/poll', deep), 400, 'protocol/malformed'],
    ['a poll of 70 KB', post('/realtime/poll', long), 413, 'limit/body-size'],
    ['a body that is no UTF-8', post('/realtime/publish', '\xff\xfe'), 400, 'protocol/malformed'],
    [
      'a publish without a list',
      post('/realtime/publish', '{"events":{}}'),
      400,
      'protocol/malformed',
    ],
    [
      'a poll with a bad cursor',
      post(
        '/realtime/poll',
        connectFrame({ channels: [{ channel: 'agent_messages', cursor: '.' }] }),
      ),
      400,
      'cursor/malformed',
    ],
    ['a GET of the stream', `GET /realtime/sse HTTP/1.1\r\n${host}\r\n`, 405, 'request/method'],
    [
      'an unknown path of the hub',
      `GET /realtime/x HTTP/1.1\r\n${host}\r\n`,
      404,
      'request/not-found',
    ],
    [
      'an inherited name as a path',
      `GET /realtime/constructor HTTP/1.1\r\n${host}\r\n`,
      404,
      'request/not-found',
    ],
    [
      'a plain stream of no channel',
      `GET /realtime/events HTTP/1.1\r\n${host}\r\n`,
      400,
      'channel/invalid-name',
    ],
    [
      'a plain stream of an unknown one',
      `GET /realtime/events?channel=nope HTTP/1.1\r\n${host}\r\n`,
      404,
      'channel/unknown',
    ],
    [
      'a plain stream from a bad place',
      `GET /api/chat/stream HTTP/1.1\r\n${host}Last-Event-ID: a.b\r\n\r\n`,
      400,
      'cursor/malformed',
    ],
    [
      'a path out of the folder, encoded',
      `GET /assets/..%2f..%2f..%2fpackage.json HTTP/1.1\r\n${host}\r\n`,
      404,
      'request/not-found',
    ],
    [
      'an upgrade without a key',
      `GET /realtime/ws HTTP/1.1\r\n${host}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
      400,
      'protocol/version',
    ],
    [
      'a length and chunks at once',
      `POST /realtime/poll HTTP/1.1\r\n${host}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      null,
    ],
    [
      'two lengths',
      `POST /realtime/poll HTTP/1.1\r\n${host}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
      400,
      null,
    ],
    ['a header without a colon', `GET / HTTP/1.1\r\n${host}rubbish\r\n\r\n`, 400, null],
    ['a header with a NUL', `GET / HTTP/1.1\r\n${host}x: a\0b\r\n\r\n`, 400, null],
    ['headers of 64 KiB', `GET / HTTP/1.1\r\n${host}x: ${'x'.repeat(65_536)}\r\n\r\n`, 431, null],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400, null],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400, null],
  ])('ERR-1: %s is refused with a documented error', async (_, request, status, code) => {
    await using raw = await openRawHttp({ port: desk.server.port });
    raw.write(request);
    const response = await raw.response();
    const isJson = /application\/json/.test(response.headers.get('content-type') ?? '');
    expect({ status: response.status, code: isJson ? codeOf(response.body) : null }).toEqual({
      status,
      code,
    });
    expect(response.body).not.toMatch(/\n\s+at |node_modules|\.ts:/);
  });

  test.each([
    '/../../../etc/passwd',
    '/%2e%2e/%2e%2e/package.json',
    '/%ff%00',
    '//x//y',
    '/.git/HEAD',
  ])('T12: %s is a page that does not exist, never a file', async (path) => {
    await using raw = await openRawHttp({ port: desk.server.port });
    raw.write(`GET ${path} HTTP/1.1\r\n${host}\r\n`);
    const { body, status } = await raw.response();
    expect([200, 404]).toContain(status);
    expect(body).toMatch(status === 200 ? /<div id="root">/ : /"code":"request\/not-found"/);
  });

  test('AUTH-4: pages of other sites are refused on every carrier', async () => {
    for (const request of [
      post('/realtime/sse', connectFrame(), 'Origin: https://evil.example\r\n'),
      post('/realtime/poll', connectFrame(), 'Origin: null\r\n'),
      post('/realtime/publish', '{"events":[]}', 'Origin: http://127.0.0.1.evil.example\r\n'),
      `GET /realtime/ws HTTP/1.1\r\n${host}Origin: https://evil.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    ]) {
      await using raw = await openRawHttp({ port: desk.server.port });
      raw.write(request);
      const response = await raw.response();
      expect(response.status).toBe(403);
      expect(response.body).toMatch(/auth\/origin/);
    }
  });
});

describe.concurrent('who is too slow', () => {
  test('LINK-4: a WebSocket that says nothing is closed', async () => {
    await using link = await openRawLink(desk.url);
    expect(await link.untilClosed()).toBe(4408);
    expect(link.frames.at(-1)).toMatchObject({ error: { code: 'link/no-connect' } });
  });

  test('LIM-6: slow senders are cut off: heads, bodies, and bodies that never come', async () => {
    await using head = await openRawHttp({ port: desk.server.port });
    await using body = await openRawHttp({ port: desk.server.port });
    await using none = await openRawHttp({ port: desk.server.port });
    const connect = connectFrame();
    body.write(`POST /realtime/poll HTTP/1.1\r\n${host}Content-Length: ${connect.length}\r\n\r\n`);
    none.write(`POST /realtime/sse HTTP/1.1\r\n${host}Content-Length: 50\r\n\r\n`);
    const slow = Promise.all([
      head.trickle(`GET / HTTP/1.1\r\n${host}${'x: y\r\n'.repeat(50)}`, 250),
      body.trickle(connect, 400),
    ]);
    expect((await body.response(20_000)).body).toMatch(/request\/timeout/);
    expect((await none.response(20_000)).body).toMatch(/request\/timeout/);
    await expect(Promise.race([head.closed, deadline(20_000)])).resolves.toMatch(/fin|rst/);
    await slow;
  });
});

test('T12: a few hundred rude clients leave no link behind', async () => {
  const rude = Array.from({ length: 300 }, async (_, n) => {
    await using raw = await openRawHttp({ port: desk.server.port });
    raw.write(
      n % 2 === 0 ? post('/realtime/sse', connectFrame()) : 'POST /realtime/poll HTTP/1.1\r\n',
    );
    // Some are gone before their answer, some in the middle of it.
    if (n % 3 === 0) await Promise.race([raw.response(), deadline(50)]).catch(() => undefined);
    raw.reset();
  });
  await Promise.all(rude);
  const links = async (): Promise<unknown> => {
    const response = await fetch(`${desk.url}/api/realtime/stats`);
    return ((await response.json()) as { links: unknown }).links;
  };
  // The witness alone.
  await expect.poll(links, { timeout: 10_000 }).toEqual({ websocket: 1 });
});

/** `npm start` as a person runs it, expected to end. */
async function npmStart(
  env: Readonly<Record<string, string>>,
): Promise<{ code: number; said: string }> {
  const child = execFile(process.execPath, [join(deskRoot, 'scripts/bootstrap.mjs'), 'start'], {
    env: { ...process.env, ...env },
    timeout: 40_000,
  });
  let said = '';
  child.stderr?.on('data', (text: string) => {
    said += text;
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, said: said.trim() };
}

test('T12: nothing of all this left a stack in what the server printed', () => {
  expect(desk.server.stderr()).not.toMatch(/\n\s+at /);
  expect(desk.server.stdout()).not.toMatch(/server\/internal/);
});

test('a second `npm start` on the same data folder says so in one plain line and ends', async () => {
  const port = `${await freePort()}`;
  const { code, said } = await npmStart({ ...desk.env, PORT: port });
  expect(code).not.toBe(0);
  expect(said.split('\n')).toHaveLength(1);
  expect(said).toContain(desk.dataDir);
  expect(said).toContain(`${desk.server.pid()}`);
});

test('`npm start` on a busy port says so in one plain line and ends', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const address = blocker.address();
  const port = typeof address === 'object' ? `${address?.port}` : '';
  const { code, said } = await npmStart({ ...desk.env, DATA_DIR: `${desk.dataDir}-2`, PORT: port });
  blocker.close();
  expect(code).not.toBe(0);
  expect(said.split('\n')).toHaveLength(1);
  expect(said).toContain(port);
});
