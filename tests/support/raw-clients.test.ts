import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { startPlainServer } from './plain-server.ts';
import { openRawHttp } from './raw-http.ts';
import { openRawSse } from './raw-sse.ts';
import { until } from './wait.ts';

test('a broken head gets the answer that a server gives to rubbish', async () => {
  await using server = await startPlainServer({});
  await using raw = await openRawHttp({ port: server.port });
  raw.write('NONSENSE\x00\r\n\r\n');
  expect((await raw.response()).status).toBe(400);
  expect(await raw.closed).toBe('fin');
});

test('a slow head arrives byte by byte, and a chunked answer is decoded', async () => {
  await using server = await startPlainServer({});
  await using raw = await openRawHttp({ port: server.port });
  await raw.trickle('POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc', 1);
  expect(await raw.response()).toMatchObject({ status: 200, body: 'got 1' });
  expect(server.received).toEqual(['abc']);
});

test('half a body and a reset leave nothing at the server', async () => {
  await using server = await startPlainServer({});
  await using raw = await openRawHttp({ port: server.port });
  raw.write('POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
  raw.reset();
  await raw.closed;
  await using next = await openRawHttp({ port: server.port });
  next.write('GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n');
  expect((await next.response()).status).toBe(404);
  expect(server.received).toEqual([]);
});

test('a response that never comes is named with what was received', async () => {
  await using server = await startPlainServer({});
  await using raw = await openRawHttp({ port: server.port });
  raw.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n');
  await expect(raw.response(200)).rejects.toThrow(/a complete response[^]*event-stream/);
});

const body = [
  '\uFEFF: first\nretry: 250\n\n',
  'id: 1\ndata: one\n\n',
  'id: 2\n\n',
  'event: named\r\ndata: größer 🚀\r\ndata:  two\r\n\r\n',
  ':heartbeat\r\rdata\r\r',
  'data: unfinished',
].join('');

test.for([1, 2, 3, 1000])('the SSE reader keeps everything, in reads of %i bytes', async (size) => {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = Buffer.from(body);
    for (let at = 0; at < bytes.length; at += size) response.write(bytes.subarray(at, at + size));
    response.end();
    expect(request.headers['last-event-id']).toBe('0');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await using sse = await openRawSse(`http://127.0.0.1:${port}`, { lastEventId: '0' });
  expect(await sse.ended).toBe('end');
  expect(sse.events).toMatchObject([
    { type: 'message', data: 'one', id: '1' },
    { type: 'named', data: 'größer 🚀\n two', id: '2' },
    { type: 'message', data: '', id: '2' },
  ]);
  expect(sse.comments).toEqual([' first', 'heartbeat']);
  expect(sse.ids).toEqual(['1', '2']);
  expect(sse.retryMs()).toBe(250);
  server.close();
});

test('an answer that is no stream keeps its status and text', async () => {
  await using server = await startPlainServer({});
  await using sse = await openRawSse(`http://127.0.0.1:${server.port}/nowhere`);
  expect(await sse.ended).toBe('end');
  expect([sse.status, sse.text()]).toEqual([404, 'no such path']);
});

test('a closed reader frees its stream at the server', async () => {
  await using server = await startPlainServer({});
  await using sse = await openRawSse(`http://127.0.0.1:${server.port}/stream`);
  expect(server.openStreams).toBe(1);
  sse.close();
  expect(await sse.ended).toBe('broken');
  await until(() => server.openStreams === 0, { label: 'the stream to be freed' });
});
