// Each fault mode, proven by what real clients see: fetch, an SSE reader over node:http, and ws.

import { Agent, get } from 'node:http';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createFaultyProxy, type FaultyProxy } from './faulty-proxy.ts';
import { type PlainServer, startPlainServer } from './plain-server.ts';
import type { Rules } from './proxy/rules.ts';
import { openRawHttp } from './raw-http.ts';
import { openRawSse } from './raw-sse.ts';
import { until } from './wait.ts';

interface Bed extends AsyncDisposable {
  readonly server: PlainServer;
  readonly proxy: FaultyProxy;
}

async function bed(rules: Rules = {}): Promise<Bed> {
  const server = await startPlainServer({});
  const proxy = await createFaultyProxy({
    target: { host: '127.0.0.1', port: server.port },
    rules,
  });
  return {
    server,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

interface SocketView extends Disposable {
  readonly socket: WebSocket;
  readonly texts: string[];
  /** open · close:<code> · error:<message>, in order. */
  readonly happened: string[];
}

function openSocket(proxy: FaultyProxy): SocketView {
  const socket = new WebSocket(`${proxy.url}/ws`);
  const texts: string[] = [];
  const happened: string[] = [];
  socket.on('open', () => happened.push('open'));
  socket.on('message', (data: Buffer) => void texts.push(data.toString()));
  socket.on('error', (error) => happened.push(`error:${error.message}`));
  socket.on('close', (code) => happened.push(`close:${code}`));
  return { socket, texts, happened, [Symbol.dispose]: () => socket.terminate() };
}

const happens = (view: SocketView, what: string | RegExp): Promise<true> =>
  until(
    () =>
      view.happened.some((each) => (typeof what === 'string' ? each === what : what.test(each))),
    {
      label: `the socket's ${what}`,
      details: () => view.happened.join(', '),
    },
  );

test('without rules every carrier works, is classified and counted', async () => {
  await using it = await bed();
  using view = openSocket(it.proxy);
  await happens(view, 'open');
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  const poll = fetch(`${it.proxy.url}/poll`).then((response) => response.text());
  await until(() => it.server.waitingPolls === 1, { label: 'the poll at the server' });
  const post = await fetch(`${it.proxy.url}/publish`, {
    method: 'POST',
    body: 'x'.repeat(300_000),
  });
  expect(await post.text()).toBe('got 1');
  expect(it.server.received[0]).toHaveLength(300_000);

  it.server.send('hello');
  expect(await poll).toBe('hello');
  expect(await sse.untilEvents(1)).toMatchObject([{ data: 'hello', id: '1' }]);
  await until(() => view.texts.length === 1, { label: 'the frame' });
  view.socket.send('from client');
  await until(() => it.server.received.includes('from client'), { label: 'the client frame' });
  expect(it.proxy.stats.requests).toEqual({ websocket: 1, stream: 1, poll: 1, other: 1 });
  expect(it.proxy.stats.bytesUp).toBeGreaterThan(300_000);
});

test('each request of a kept-alive connection is classified and gets its own rule', async () => {
  await using it = await bed({
    poll: { mode: 'status', status: 503, body: 'busy', headers: { 'retry-after': '3' } },
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (path: string): Promise<number> =>
    new Promise((resolve, reject) => {
      get(`${it.proxy.url}${path}`, { agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      }).on('error', reject);
    });
  expect([await ask('/fixed'), await ask('/none'), await ask('/nowhere')]).toEqual([200, 204, 404]);
  expect(it.proxy.stats.connections).toBe(1);
  expect(await ask('/poll')).toBe(503);
  expect(it.proxy.stats.connections).toBe(1);
  expect(await ask('/fixed')).toBe(200);
  expect(it.proxy.stats.connections).toBe(2);
  agent.destroy();
});

test('pipelined requests are answered in order', async () => {
  await using it = await bed();
  await using raw = await openRawHttp({ port: it.proxy.port });
  raw.write(
    'POST /publish HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  );
  raw.write('GET /fixed HTTP/1.1\r\nHost: x\r\n\r\n');
  expect((await raw.response()).body).toBe('got 1');
  expect((await raw.response()).body).toBe('fixed body');
  expect(it.server.received).toEqual(['abc']);
});

test('refuse resets the connection of that class only', async () => {
  await using it = await bed({ websocket: { mode: 'refuse' } });
  using view = openSocket(it.proxy);
  await happens(view, /^error:.*(ECONNRESET|socket hang up)/);
  expect(view.happened).not.toContain('open');
  expect((await fetch(`${it.proxy.url}/fixed`)).status).toBe(200);
});

test('a connection rule acts before any byte is read', async () => {
  await using it = await bed({ connection: 'refuse' });
  await expect(fetch(`${it.proxy.url}/fixed`)).rejects.toThrow('fetch failed');
  it.proxy.setRules({ connection: 'blackhole' });
  await expect(
    fetch(`${it.proxy.url}/fixed`, { signal: AbortSignal.timeout(150) }),
  ).rejects.toThrow('timeout');
  expect(it.proxy.stats.requests.other).toBe(0);
});

test('blackhole takes the request and never answers', async () => {
  await using it = await bed({ other: { mode: 'blackhole' } });
  await expect(
    fetch(`${it.proxy.url}/publish`, {
      method: 'POST',
      body: 'a',
      signal: AbortSignal.timeout(150),
    }),
  ).rejects.toThrow('timeout');
  expect(it.server.received).toEqual([]);
  expect(it.proxy.stats.requests.other).toBe(1);
});

test.for([403, 200, 502])('status %i answers an upgrade', async (status) => {
  await using it = await bed({ websocket: { mode: 'status', status, body: 'no' } });
  using view = openSocket(it.proxy);
  await happens(view, `error:Unexpected server response: ${status}`);
  expect(it.server.openSockets).toBe(0);
});

test('upgrade-then-drop: open, then closed without a close frame', async () => {
  await using it = await bed({ websocket: { mode: 'upgrade-then-drop' } });
  using view = openSocket(it.proxy);
  await happens(view, 'close:1006');
  expect(view.happened).toEqual(['open', 'close:1006']);
  await until(() => it.server.openSockets === 0, { label: 'the server to learn of it' });
});

test('upgrade-then-swallow: open for ever, no frame either way', async () => {
  await using it = await bed({ websocket: { mode: 'upgrade-then-swallow' } });
  using view = openSocket(it.proxy);
  await happens(view, 'open');
  view.socket.send('lost');
  it.server.send('lost too');
  await until(() => it.proxy.stats.bytesUp > 0 && it.proxy.stats.bytesDown > 130, {
    label: 'both frames at the proxy',
  });
  await fetch(`${it.proxy.url}/fixed`);
  expect(view.happened).toEqual(['open']);
  expect([view.texts, it.server.received]).toEqual([[], []]);
  expect(it.proxy.impose('websocket', { mode: 'pass' })).toBe(0);
});

test('close-after-frames lets exactly that many pass on a socket and on a stream', async () => {
  const fault = { mode: 'close-after-frames', frames: 2 } as const;
  await using it = await bed({ websocket: fault, stream: fault });
  using view = openSocket(it.proxy);
  await happens(view, 'open');
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  for (const text of ['a', 'b', 'c']) it.server.send(text);
  await happens(view, 'close:1006');
  expect(view.texts).toEqual(['a', 'b']);
  expect(await sse.ended).toBe('broken');
  expect(sse.events.map(({ data }) => data)).toEqual(['a', 'b']);
});

test('buffer holds a body for ever, with or without its head', async () => {
  await using it = await bed({ stream: { mode: 'buffer' } });
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  expect(sse.status).toBe(200);
  it.server.send('a');
  it.server.endStreams();
  await until(() => it.server.openStreams === 0, { label: 'the stream to end at the server' });
  await fetch(`${it.proxy.url}/fixed`);
  expect(sse.text()).toBe('');

  it.proxy.setRules({ stream: { mode: 'buffer', head: 'held' } });
  await expect(openRawSse(`${it.proxy.url}/stream`, { deadlineMs: 150 })).rejects.toThrow(
    'no response head',
  );
});

test('buffer until the end delivers all when the response is complete', async () => {
  await using it = await bed({ stream: { mode: 'buffer', until: 'end' } });
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  it.server.send('a');
  it.server.send('b');
  await fetch(`${it.proxy.url}/fixed`);
  expect(sse.events).toEqual([]);
  it.server.endStreams();
  expect(await sse.ended).toBe('end');
  expect(sse.events.map(({ data }) => data)).toEqual(['a', 'b']);
});

test.for([4, 16])('buffer-bytes lets go after %i KiB', async (kib) => {
  await using it = await bed({ stream: { mode: 'buffer-bytes', bytes: kib * 1024 } });
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  const half = 'x'.repeat(kib * 512);
  it.server.send(half);
  await until(() => it.proxy.stats.bytesDown > half.length, { label: 'the first half' });
  expect(sse.text()).toBe('');
  it.server.send(half);
  expect(await sse.untilEvents(2)).toHaveLength(2);
});

test('freeze is half-open, and thawing delivers what waited, in order', async () => {
  await using it = await bed();
  using view = openSocket(it.proxy);
  await happens(view, 'open');
  expect(it.proxy.freeze('websocket')).toBe(1);
  it.server.send('a');
  view.socket.send('b');
  it.server.send('c');
  expect(await (await fetch(`${it.proxy.url}/fixed`)).text()).toBe('fixed body');
  expect([view.texts, it.server.received, it.server.openSockets]).toEqual([[], [], 1]);
  expect(it.proxy.unfreeze('all')).toBeGreaterThanOrEqual(1);
  await until(() => view.texts.length === 2 && it.server.received.length === 1, {
    label: 'what waited',
  });
  expect(view.texts).toEqual(['a', 'c']);
});

test('a frozen connection hides the death of its client until it thaws', async () => {
  await using it = await bed();
  using view = openSocket(it.proxy);
  await happens(view, 'open');
  it.proxy.freeze('all');
  view.socket.terminate();
  await happens(view, 'close:1006');
  await fetch(`${it.proxy.url}/fixed`);
  expect(it.server.openSockets).toBe(1);
  it.proxy.unfreeze('all');
  await until(() => it.server.openSockets === 0, { label: 'the server to learn of it' });
});

test('a freeze rule stops after its frames', async () => {
  await using it = await bed({ stream: { mode: 'freeze', afterFrames: 1 } });
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  it.server.send('a');
  await sse.untilEvents(1);
  it.server.send('b');
  await fetch(`${it.proxy.url}/fixed`);
  expect(sse.events).toHaveLength(1);
  it.proxy.unfreeze('stream');
  await sse.untilEvents(2);
});

test('drip delivers everything, byte by byte', async () => {
  await using it = await bed({ other: { mode: 'drip', everyMs: 1 } });
  const startedAt = performance.now();
  await using raw = await openRawHttp({ port: it.proxy.port });
  raw.write('GET /fixed HTTP/1.1\r\nHost: x\r\n\r\n');
  expect((await raw.response()).body).toBe('fixed body');
  expect(performance.now() - startedAt).toBeGreaterThan(raw.received().length);
});

test('truncate cuts in the middle of the nth chunk and frame', async () => {
  const fault = { mode: 'truncate', frame: 2 } as const;
  await using it = await bed({ websocket: fault, stream: fault });
  using view = openSocket(it.proxy);
  await happens(view, 'open');
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  it.server.send('first');
  it.server.send('second '.repeat(20));
  expect(await sse.ended).toBe('broken');
  expect(sse.text()).toMatch(/^id: 1\ndata: first\n\nid: 2\ndata: (second )+/);
  expect(sse.events).toHaveLength(1);
  await happens(view, 'close:1006');
  expect(view.texts).toEqual(['first']);
});

test('latency is added in each direction and keeps order', async () => {
  await using it = await bed({ other: { mode: 'pass', latencyMs: 60 } });
  const startedAt = performance.now();
  expect(await (await fetch(`${it.proxy.url}/fixed`)).text()).toBe('fixed body');
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(119);
});

test('lose-response: the server acted, the client cannot know', async () => {
  await using it = await bed({ other: { mode: 'lose-response' } });
  await expect(fetch(`${it.proxy.url}/publish`, { method: 'POST', body: 'once' })).rejects.toThrow(
    'fetch failed',
  );
  expect(it.server.received).toEqual(['once']);
});

test('a rule may choose per request, by ordinal or by the seeded sequence', async () => {
  await using it = await bed({
    other: (request) =>
      request.ordinal === 1 ? { mode: 'status', status: 503 } : { mode: 'pass' },
  });
  expect((await fetch(`${it.proxy.url}/fixed`)).status).toBe(503);
  expect((await fetch(`${it.proxy.url}/fixed`)).status).toBe(200);

  const statuses = async (seed: number): Promise<number[]> => {
    await using proxy = await createFaultyProxy({
      target: { host: '127.0.0.1', port: it.server.port },
      seed,
      rules: { other: (_, random) => ({ mode: 'status', status: random() < 0.5 ? 429 : 503 }) },
    });
    const seen: number[] = [];
    for (let n = 0; n < 12; n += 1) seen.push((await fetch(`${proxy.url}/fixed`)).status);
    return seen;
  };
  expect(await statuses(5)).toEqual(await statuses(5));
});

test.for(['rst', 'fin'] as const)('cutAll by %s ends both sides', async (how) => {
  await using it = await bed();
  using view = openSocket(it.proxy);
  await happens(view, 'open');
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  await using raw = await openRawHttp({ port: it.proxy.port });
  await until(() => it.proxy.connections().length === 3, { label: 'three connections' });
  expect(it.proxy.cutAll({ how })).toBe(3);
  expect(await raw.closed).toBe(how);
  expect(await sse.ended).toBe('broken');
  await happens(view, 'close:1006');
  await until(() => it.server.openSockets + it.server.openStreams === 0, { label: 'the server' });
  await until(() => it.proxy.stats.openConnections === 0, { label: 'no open connection' });
});

test('a target that is off is refused, and another target can take over', async () => {
  await using it = await bed();
  await using other = await startPlainServer({});
  expect((await fetch(`${it.proxy.url}/fixed`)).status).toBe(200);
  it.proxy.setTarget(null);
  await expect(fetch(`${it.proxy.url}/fixed`)).rejects.toThrow('fetch failed');
  it.proxy.setTarget({ host: '127.0.0.1', port: other.port });
  await fetch(`${it.proxy.url}/publish`, { method: 'POST', body: 'new home' });
  expect([it.server.received, other.received]).toEqual([[], ['new home']]);
});

test('a server that died resets its clients and refuses new ones', async () => {
  await using it = await bed();
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  await it.server[Symbol.asyncDispose]();
  expect(await sse.ended).toBe('broken');
  await expect(fetch(`${it.proxy.url}/fixed`)).rejects.toThrow('fetch failed');
  expect(it.proxy.log.some((event) => event.type === 'target-broke')).toBe(true);
});

test('an imposed fault reshapes a running response, and passing again loses no byte', async () => {
  await using it = await bed();
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  it.server.send('a');
  await sse.untilEvents(1);
  expect(it.proxy.impose('stream', { mode: 'buffer' })).toBe(1);
  const before = it.proxy.stats.bytesDown;
  it.server.send('b');
  await until(() => it.proxy.stats.bytesDown > before, { label: 'the held event' });
  expect(sse.events).toHaveLength(1);
  it.proxy.impose('stream', { mode: 'drip', everyMs: 1 });
  it.server.send('c');
  it.proxy.impose('stream', { mode: 'pass' });
  expect((await sse.untilEvents(3)).map(({ data }) => data)).toEqual(['a', 'b', 'c']);
});

test('a reader that stalls is felt by the server: the proxy does not swallow without bound', async () => {
  await using it = await bed();
  await using raw = await openRawHttp({ port: it.proxy.port });
  raw.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => it.server.openStreams === 1, { label: 'the stream' });
  raw.stall();
  const megabyte = 'x'.repeat(1024 * 1024);
  for (let n = 0; n < 64; n += 1) it.server.send(megabyte);
  let seen = -1;
  await until(
    () => {
      const isStill = it.proxy.stats.bytesDown === seen;
      seen = it.proxy.stats.bytesDown;
      return isStill && seen > 0;
    },
    { label: 'the flow to stop', everyMs: 100 },
  );
  expect(seen).toBeLessThan(40 * 1024 * 1024);
});
