// The hub over HTTP: who may ask, what is refused with which status, and how long a body may take.

import { encodeClientFrame } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import { createHub } from '../hub.ts';
import { connectFrame } from '../testing/memory-link.ts';
import { codeOf, rawRequest, rawSocket } from '../testing/raw-http.ts';
import { openNotes } from '../testing/test-channels.ts';
import { serveHub } from '../testing/transport-subject.ts';
import { waitUntil } from '../testing/waiting.ts';

const connect = encodeClientFrame({ ...connectFrame(), holdMs: 0 });
const publishBody = (...texts: unknown[]): string =>
  JSON.stringify({
    events: texts.map((text) => ({
      channel: 'open_notes:1',
      event: { type: 'note', data: { text } },
    })),
  });

describe('origins', () => {
  const upgrade = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Protocol': 'millrace.1',
  };

  async function statuses(headers: Record<string, string>): Promise<string[]> {
    await using served = await serveHub({ origins: ['https://app.example.com'] });
    const { url, origin } = served;
    const own = (value: string): string =>
      value.replace('OWN', origin).replace('HOST', new URL(origin).host);
    const sent = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, own(value)]),
    );
    const answers = await Promise.all([
      rawRequest(`${url}/poll`, { headers: sent, body: connect }),
      rawRequest(`${url}/sse`, { headers: sent, body: connect }),
      rawRequest(`${url}/publish`, { headers: sent, body: publishBody('a') }),
      rawRequest(`${url}/events?channel=open_notes:1`, { method: 'GET', headers: sent }),
    ]);
    const lines = Object.entries({ Host: new URL(origin).host, ...upgrade, ...sent });
    using socket = rawSocket(
      origin,
      `GET /realtime/ws HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`,
    );
    await waitUntil('an answer', () => socket.text.includes('\r\n\r\n'));
    const status = /^HTTP\/1\.1 (\d+)/.exec(socket.text)?.[1] ?? '';
    return [
      ...answers.map(codeOf),
      status === '101' ? '200' : socket.text.includes('auth/origin') ? 'auth/origin' : status,
    ];
  }

  test.each([
    ['its own', { Origin: 'OWN' }],
    ['its own page by https, TLS ended before it', { Origin: 'https://HOST' }],
    ['one on the list', { Origin: 'https://app.example.com' }],
    ['none, no browser', {}],
    ['none, Node’s fetch', { 'Sec-Fetch-Mode': 'cors' }],
    ['none, same-origin', { 'Sec-Fetch-Site': 'same-origin', Cookie: 'a=b' }],
    ['none, typed by a person', { 'Sec-Fetch-Site': 'none', Cookie: 'a=b' }],
  ])('AUTH-4: every carrier takes %s', async (_name, headers) => {
    expect(await statuses(headers)).toEqual(['200', '200', '200', '200', '200']);
  });

  test.each([
    ['another site', { Origin: 'https://evil.example' }],
    ['null', { Origin: 'null' }],
    ['a prefix trick', { Origin: 'https://app.example.com.evil.example' }],
    ['a suffix trick', { Origin: 'https://evil-app.example.com' }],
    ['another scheme', { Origin: 'http://app.example.com' }],
    ['another port', { Origin: 'https://app.example.com:8443' }],
    ['upper case', { Origin: 'https://APP.example.com' }],
    ['a trailing dot', { Origin: 'https://app.example.com.' }],
    ['a path', { Origin: 'https://app.example.com/' }],
    ['a user in front', { Origin: 'https://app.example.com@evil.example' }],
    ['an empty one', { Origin: '' }],
    ['a list', { Origin: 'https://app.example.com, https://evil.example' }],
    ['its own host by another scheme', { Origin: 'ftp://HOST' }],
    ['its own host at another port', { Origin: 'http://127.0.0.1:1' }],
    ['no origin but a cookie', { Cookie: 'a=b' }],
    ['no origin, same site', { 'Sec-Fetch-Site': 'same-site' }],
    ['no origin, cross site', { 'Sec-Fetch-Site': 'cross-site' }],
  ])('AUTH-4: every carrier refuses %s', async (_name, headers) => {
    expect(new Set(await statuses(headers))).toEqual(new Set(['auth/origin']));
  });

  test('an origin that is none is refused when the hub is made', () => {
    for (const origin of ['app.example.com', 'https://a.example/path', '*', 'null']) {
      expect(() => createHub({ contracts: [], origins: [origin] })).toThrow(/no origin/);
    }
  });

  test('AUTH-4: a listed origin gets CORS headers, its preflight too, and nobody else', async () => {
    await using served = await serveHub({ origins: ['https://app.example.com'] });
    const ask = (method: string, origin: string) =>
      rawRequest(`${served.url}/publish`, {
        method,
        headers: { Origin: origin },
        body: publishBody('a'),
      });
    const preflight = await ask('OPTIONS', 'https://app.example.com');
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example.com',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'Authorization, Content-Type, Last-Event-ID',
      vary: 'Origin',
    });
    const answer = await ask('POST', 'https://app.example.com');
    expect(answer.headers['access-control-allow-origin']).toBe('https://app.example.com');
    const other = await ask('OPTIONS', 'https://evil.example');
    expect(other.status).toBe(403);
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('bodies', () => {
  test('LIM-1: a body over the limit is refused before it is read, declared or not', async () => {
    await using served = await serveHub({ limits: { maxFrameBytes: 1_000 } });
    const declared = await rawRequest(`${served.url}/publish`, {
      body: publishBody('x'.repeat(2_000)),
    });
    expect([declared.status, codeOf(declared)]).toEqual([413, 'limit/body-size']);
    using socket = rawSocket(
      served.origin,
      'POST /realtime/publish HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    for (let index = 0; index < 8; index += 1) socket.socket.write(`c8\r\n${'x'.repeat(200)}\r\n`);
    await waitUntil('the answer', () => socket.text.includes('limit/body-size'));
    expect(socket.text).toMatch(/^HTTP\/1\.1 413 /);
    await waitUntil('the end of the connection', () => socket.isClosed);
  });

  test('LIM-6: a body that does not arrive in time is a timeout, and its connection ends', async () => {
    await using served = await serveHub({ limits: { bodyWithinMs: 200 } });
    using socket = rawSocket(
      served.origin,
      'POST /realtime/poll HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"ty',
    );
    await waitUntil('the answer', () => socket.text.includes('request/timeout'), 2_000);
    expect(socket.text).toMatch(/^HTTP\/1\.1 408 /);
    await waitUntil('the end of the connection', () => socket.isClosed);
  });

  test('LIM-2: a body nested a hundred thousand deep is refused', async () => {
    await using served = await serveHub({ limits: { maxFrameBytes: 1_000_000 } });
    const body = `{"events":${'['.repeat(100_000)}`;
    expect(codeOf(await rawRequest(`${served.url}/publish`, { body }))).toBe('protocol/malformed');
  });

  test('a client that goes away in the middle of its body harms nobody', async () => {
    const errors: string[] = [];
    await using served = await serveHub({ onError: (error) => errors.push(error.message) });
    using socket = rawSocket(
      served.origin,
      'POST /realtime/sse HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"ty',
    );
    await waitUntil('the connection', () => socket.socket.bytesWritten > 0);
    socket.socket.resetAndDestroy();
    await waitUntil('a refusal', () => served.hub.stats().refused['link/lost'] === 1);
    expect(errors).toEqual([]);
  });
});

describe('publishing', () => {
  test('HTTP-1: each event has its result, with its cursor', async () => {
    await using served = await serveHub();
    const answer = await rawRequest(`${served.url}/publish`, { body: publishBody('a', 7, 'b') });
    const { epoch } = (await served.hub.history(openNotes.of({ id: '1' }))).next;
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toMatchObject({
      results: [
        { cursor: `${epoch}.1` },
        { error: { code: 'contract/invalid-event', retryable: false } },
        { cursor: `${epoch}.2` },
      ],
    });
  });

  test.each([
    ['no JSON', '{', 400, 'protocol/malformed'],
    ['no events', '{}', 400, 'protocol/malformed'],
    ['no channel', '{"events":[{"event":{"type":"a"}}]}', 400, 'channel/invalid-name'],
    ['events that are none', '{"events":[1]}', 400, 'protocol/malformed'],
  ])('HTTP-1: %s is an error of the whole request', async (_name, body, status, code) => {
    await using served = await serveHub();
    const answer = await rawRequest(`${served.url}/publish`, { body });
    expect([answer.status, codeOf(answer)]).toEqual([status, code]);
  });

  test('PUB-2: a bearer token says who publishes; a refused one publishes nothing', async () => {
    await using served = await serveHub();
    const body = JSON.stringify({
      events: [{ channel: 'closed_notes:1', event: { type: 'note', data: { text: 'a' } } }],
    });
    const as = (token: string) =>
      rawRequest(`${served.url}/publish`, { body, headers: { Authorization: `Bearer ${token}` } });
    expect((await as('user-writer')).text).toContain('"cursor"');
    expect((await as('user-ann')).text).toContain('auth/denied');
    const forged = await as('forged');
    expect([forged.status, codeOf(forged)]).toEqual([401, 'auth/invalid']);
  });

  test('LIM-5: over the rate is 429 with Retry-After', async () => {
    await using served = await serveHub({ limits: { maxPublishesPerSecond: 1 } });
    const post = () => rawRequest(`${served.url}/publish`, { body: publishBody('a') });
    await post();
    await post();
    const answer = await post();
    expect([answer.status, codeOf(answer)]).toEqual([429, 'limit/publishes']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('routes', () => {
  test('what is not the hub’s is left to others', async () => {
    await using served = await serveHub();
    for (const path of ['/', '/realtime', '/realtimes/sse', '/other']) {
      expect((await rawRequest(`${served.origin}${path}`, { method: 'GET' })).text).toBe('');
    }
  });

  test('ERR-1: a wrong method, an unknown place, a missing upgrade are documented errors', async () => {
    await using served = await serveHub();
    const get = (path: string) => rawRequest(`${served.url}${path}`, { method: 'GET' });
    const method = await get('/sse');
    expect([method.status, codeOf(method), method.headers['allow']]).toEqual([
      405,
      'request/method',
      'POST, OPTIONS',
    ]);
    expect(codeOf(await get('/nothing'))).toBe('request/not-found');
    expect(codeOf(await get('/ws'))).toBe('request/not-found');
    expect(codeOf(await get('/__proto__'))).toBe('request/not-found');
  });

  test('LINK-8: a closing hub answers 503 with Retry-After', async () => {
    await using served = await serveHub();
    await served.hub.close();
    const answer = await rawRequest(`${served.url}/poll`, { body: connect });
    expect([answer.status, codeOf(answer)]).toEqual([503, 'server/shutdown']);
    expect(answer.headers['retry-after']).toBe('1');
    await expect(
      served.hub.publish(openNotes.of({ id: '1' }), { type: 'note', data: { text: 'a' } }),
    ).rejects.toMatchObject({ code: 'server/shutdown' });
  });
});
