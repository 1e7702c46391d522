// Corners of the faulty proxy that a chaos run reaches and a plain test does not: faults that meet
// each other, pipelining, interim answers, deaths behind a freeze.

import { expect, test } from 'vitest';
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

async function bed(rules: Rules): Promise<Bed> {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await startPlainServer({}));
  const target = { host: '127.0.0.1', port: server.port };
  const proxy = stack.use(await createFaultyProxy({ target, rules }));
  return { server, proxy, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const fixed = 'GET /fixed HTTP/1.1\r\nHost: x\r\n\r\n';

test('a pipelined request meets its own rule, after the answer to the one before', async () => {
  await using it = await bed({ other: { mode: 'status', status: 503, body: 'mine' } });
  await using raw = await openRawHttp({ port: it.proxy.port });
  raw.write(`GET /poll HTTP/1.1\r\nHost: x\r\n\r\n${fixed}`);
  await until(() => it.server.waitingPolls === 1, { label: 'the poll at the server' });
  expect(it.proxy.stats.requests).toMatchObject({ poll: 1, other: 0 });
  it.server.send('first');
  expect(await raw.response()).toMatchObject({ status: 200, body: 'first' });
  expect(await raw.response()).toMatchObject({ status: 503, body: 'mine' });
});

test('an interim 100 passes and is not mistaken for the answer', async () => {
  await using it = await bed({ other: { mode: 'lose-response' } });
  await using raw = await openRawHttp({ port: it.proxy.port });
  raw.write(
    'POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n',
  );
  expect((await raw.response()).status).toBe(100);
  raw.write('abc');
  expect(await raw.closed).toBe('rst');
  expect(it.server.received).toEqual(['abc']);
  expect(raw.received()).not.toContain('got 1');
});

test('a freeze also stops what was already dripping', async () => {
  await using it = await bed({ stream: { mode: 'drip', everyMs: 1 } });
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  it.server.send('x'.repeat(500));
  await until(() => sse.text().length > 20, { label: 'the first drops' });
  it.proxy.freeze('stream');
  await fetch(`${it.proxy.url}/fixed`);
  const frozenAt = sse.text().length;
  for (let n = 0; n < 20; n += 1) await fetch(`${it.proxy.url}/fixed`);
  expect(sse.text().length).toBe(frozenAt);
  it.proxy.unfreeze('stream');
  await sse.untilEvents(1);
});

test('a response withheld for ever withholds its close too', async () => {
  await using it = await bed({ poll: { mode: 'buffer' } });
  await using raw = await openRawHttp({ port: it.proxy.port });
  let isClosed = false;
  void raw.closed.then(() => {
    isClosed = true;
  });
  raw.write('GET /poll HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await until(() => it.server.waitingPolls === 1, { label: 'the poll at the server' });
  it.server.send('held');
  await until(() => it.server.waitingPolls === 0, { label: 'the answer to be complete' });
  for (let n = 0; n < 5; n += 1) await fetch(`${it.proxy.url}/fixed`);
  expect([isClosed, raw.received().includes('held')]).toEqual([false, false]);
});

test('the reset of a stalled, frozen client reaches the server only after the thaw', async () => {
  await using it = await bed({});
  await using raw = await openRawHttp({ port: it.proxy.port });
  raw.stall();
  raw.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n');
  await until(() => it.server.openStreams === 1, { label: 'the stream' });
  for (let n = 0; n < 16; n += 1) it.server.send('x'.repeat(1024 * 1024));
  let seen = -1;
  await until(
    () => {
      const isStill = it.proxy.stats.bytesDown === seen;
      seen = it.proxy.stats.bytesDown;
      return isStill && seen > 0;
    },
    { label: 'the flow to stop', everyMs: 100 },
  );
  it.proxy.freeze('all');
  raw.reset();
  await raw.closed;
  for (let n = 0; n < 5; n += 1) await fetch(`${it.proxy.url}/fixed`);
  expect(it.server.openStreams).toBe(1);
  it.proxy.unfreeze('all');
  await until(() => it.server.openStreams === 0, { label: 'the server to learn of it' });
});

test('what is no HTTP is tunnelled, and a server answers it itself', async () => {
  await using it = await bed({});
  await using raw = await openRawHttp({ port: it.proxy.port });
  raw.write('NONSENSE\x00\r\n\r\n');
  expect((await raw.response()).status).toBe(400);
  expect(await raw.closed).toBe('fin');
});

test('a HEAD answer has no body to wait for', async () => {
  await using it = await bed({});
  await using raw = await openRawHttp({ port: it.proxy.port });
  raw.write(`HEAD /fixed HTTP/1.1\r\nHost: x\r\n\r\n${fixed}`);
  await until(() => raw.received().endsWith('fixed body'), { label: 'the second answer' });
  expect(it.proxy.stats.requests.other).toBe(2);
});

test('closing the proxy ends every kind of connection, frozen ones too', async () => {
  await using it = await bed({ poll: { mode: 'blackhole' } });
  await using sse = await openRawSse(`${it.proxy.url}/stream`);
  const poll = fetch(`${it.proxy.url}/poll`).catch(() => 'failed');
  await until(() => it.proxy.stats.requests.poll === 1, { label: 'the poll' });
  it.proxy.freeze('all');
  await it.proxy.close();
  await it.proxy.close();
  expect(await sse.ended).toBe('broken');
  expect(await poll).toBe('failed');
  await until(() => it.server.openStreams === 0, { label: 'the server to learn of it' });
});
