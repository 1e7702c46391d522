// The shell over a server in memory and a clock that is moved by hand: what is sent when, and who is told.

import { describe, expect, test, vi } from 'vitest';
import { createSseBed, type SseBed } from './sse-bed.ts';
import { createSSEClient, type SSEClient } from './sse-client.ts';
import type { SSEClientOptions } from './sse-options.ts';

function begin(given: Partial<SSEClientOptions> = {}): {
  bed: SseBed;
  client: SSEClient;
  seen: string[];
  log: string[];
} {
  const bed = createSseBed();
  const seen: string[] = [];
  const log: string[] = [];
  const client = createSSEClient({
    url: '/stream',
    environment: bed.environment,
    onOpen: ({ status }) => log.push(`open ${status}`),
    onError: ({ code }) => log.push(`error ${code}`),
    onClose: () => log.push('close'),
    ...given,
  });
  client.on('message', ({ data }) => seen.push(data));
  return { bed, client, seen, log };
}

const post = { body: { prompt: 'hi' }, maxRetries: 2 };

describe('createSSEClient', () => {
  test('ESC-1: opens, hands out messages by name, and says where it is', async () => {
    const { bed, client, seen, log } = begin();
    const tokens: string[] = [];
    const states = [client.state];
    client.subscribe(() => states.push(client.state));
    client.on('token', ({ data }) => tokens.push(data));
    client.connect();
    client.connect();
    await bed.clock.advance(0);
    expect(bed.requests).toHaveLength(1);
    bed.last().open(': hello\n\ndata: one\n\nevent: token\nid: 7\ndata: t1\nda');
    bed.last().say('ta: t2\n\ndata: two\r\n\r\n');
    await bed.clock.advance(0);
    expect(seen).toEqual(['one', 'two']);
    expect(tokens).toEqual(['t1\nt2']);
    expect(client.lastEventId).toBe('7');
    client.disconnect();
    client.disconnect();
    expect(bed.last().isAborted).toBe(true);
    expect(states).toEqual(['disconnected', 'connecting', 'connected', 'disconnected']);
    expect(log).toEqual(['open 200', 'close']);
  });

  test('ESC-2: sends headers asked anew for every try, and a body as JSON', async () => {
    let token = 0;
    const headers = async () => ({ authorization: `Bearer ${++token}` });
    const { bed, client } = begin({ ...post, headers });
    client.connect();
    await bed.clock.advance(0);
    bed.last().answer(new TypeError('fetch failed'));
    await bed.clock.advance(500);
    const [first, second] = bed.requests;
    expect(first?.method).toBe('POST');
    expect(first?.body).toBe('{"prompt":"hi"}');
    expect(first?.headers.get('content-type')).toBe('application/json');
    expect(first?.headers.get('accept')).toBe('text/event-stream');
    expect(first?.headers.get('authorization')).toBe('Bearer 1');
    expect(second?.headers.get('authorization')).toBe('Bearer 2');
  });

  test('ESC-2: a repeated POST has the key of its connect and the last id; the next connect has its own', async () => {
    const { bed, client, seen } = begin(post);
    client.connect();
    await bed.clock.advance(0);
    bed.last().open('id: r~3\ndata: a\n\n');
    await bed.clock.advance(0);
    bed.last().cut();
    await bed.clock.advance(500);
    bed.last().open('id: r~4\ndata: b\n\ndata: [DONE]\n\ndata: late\n\n');
    await bed.clock.advance(0);
    const told = bed.requests.map(({ headers }) => [
      headers.get('idempotency-key'),
      headers.get('last-event-id'),
    ]);
    expect(told).toEqual([
      ['key-1', null],
      ['key-1', 'r~3'],
    ]);
    expect(seen).toEqual(['a', 'b', '[DONE]']);
    client.connect();
    await bed.clock.advance(0);
    expect(bed.last().headers.get('idempotency-key')).toBe('key-2');
    expect(bed.last().headers.get('last-event-id')).toBeNull();
  });

  test('ESC-2: an id without a message moves the position too, however the bytes come', async () => {
    const { bed, client, seen } = begin();
    client.connect();
    await bed.clock.advance(0);
    bed.last().open();
    const text = 'id: 1\r\n\r\nid: 2\rdata: a\r\rid:3\nevent: x\n\n: c\n\ndata: b\n\nid: 4\nda';
    for (const character of text) {
      bed.last().say(character);
      await bed.clock.advance(0);
    }
    expect(seen).toEqual(['a', 'b']);
    expect(client.lastEventId).toBe('3');
  });

  test('ESC-2: a GET has no key, and goes on after disconnect where it was', async () => {
    const { bed, client } = begin();
    client.connect();
    await bed.clock.advance(0);
    bed.last().open('id: 5\ndata: a\n\n');
    await bed.clock.advance(0);
    client.disconnect();
    client.connect();
    await bed.clock.advance(0);
    expect(bed.last().headers.get('idempotency-key')).toBeNull();
    expect(bed.last().headers.get('last-event-id')).toBe('5');
  });

  test('ESC-3: gives up after its retries, and the page that wakes begins anew with the same key', async () => {
    const { bed, client, log } = begin(post);
    client.connect();
    for (let round = 0; round < 3; round += 1) {
      await bed.clock.advance(0);
      bed.last().answer(new TypeError('fetch failed'));
      await bed.clock.advance(1_000);
    }
    expect(bed.askedAtMs).toEqual([0, 500, 1_500 + 500]);
    expect(client.state).toBe('error');
    expect(client.error?.code).toBe('link/refused');
    expect(log).toEqual([
      'error link/refused',
      'error link/refused',
      'error link/refused',
      'close',
    ]);
    bed.page('wake');
    await bed.clock.advance(0);
    expect(client.state).toBe('reconnecting');
    expect(bed.last().headers.get('idempotency-key')).toBe('key-1');
  });

  test.each([400, 401, 403, 404, 422])(
    'ESC-4: is over after a %i, with its words',
    async (status) => {
      const { bed, client, log } = begin();
      client.connect();
      await bed.clock.advance(0);
      const said = { error: { message: 'No such key.', type: 'x', code: 'invalid' } };
      bed.last().answer(Response.json(said, { status }));
      await bed.clock.advance(60_000);
      bed.page('wake');
      bed.page('online');
      await bed.clock.advance(60_000);
      expect(bed.requests).toHaveLength(1);
      expect(client.state).toBe('error');
      expect(client.error?.message).toBe('No such key.');
      expect(client.error?.details).toMatchObject({ status });
      expect(log).toEqual(['error request/invalid', 'close']);
    },
  );

  test('ESC-4: an error of our own keeps its code', async () => {
    const { bed, client } = begin();
    client.connect();
    await bed.clock.advance(0);
    const error = { code: 'auth/denied', message: 'Not yours.', retryable: false };
    bed.last().answer(Response.json({ error }, { status: 403 }));
    await bed.clock.advance(0);
    expect(client.error).toMatchObject({ code: 'auth/denied', message: 'Not yours.' });
  });

  test.each([408, 429, 500, 503])(
    'ESC-4: comes again after a %i, when it was asked to',
    async (status) => {
      const { bed, client } = begin();
      client.connect();
      await bed.clock.advance(0);
      bed.last().answer(new Response('', { status, headers: { 'retry-after': '20' } }));
      await bed.clock.advance(19_999);
      bed.page('wake');
      await bed.clock.advance(0);
      expect(bed.requests).toHaveLength(1);
      await bed.clock.advance(20_000);
      expect(bed.requests).toHaveLength(2);
      expect(bed.askedAtMs.at(-1)).toBe(25_000);
    },
  );

  test('ESC-4: a 204 ends it for good, and so does an end in order of a POST without ids', async () => {
    const { bed, client, log } = begin();
    client.connect();
    await bed.clock.advance(0);
    bed.last().answer(new Response(null, { status: 204 }));
    await bed.clock.advance(60_000);
    expect(client.state).toBe('disconnected');
    expect(log).toEqual(['close']);

    const other = begin(post);
    other.client.connect();
    await other.bed.clock.advance(0);
    other.bed.last().open('data: all\n\n');
    await other.bed.clock.advance(0);
    other.bed.last().end();
    await other.bed.clock.advance(60_000);
    expect(other.bed.requests).toHaveLength(1);
    expect(other.client.state).toBe('disconnected');
  });

  test('ESC-3: a GET that ends in order comes again, never sooner than its retry says', async () => {
    const { bed, client } = begin();
    client.connect();
    await bed.clock.advance(0);
    bed.last().open('retry: 3000\ndata: a\n\n');
    await bed.clock.advance(0);
    bed.network.random = 0;
    bed.last().end();
    await bed.clock.advance(2_999);
    expect(bed.requests).toHaveLength(1);
    await bed.clock.advance(1);
    expect(bed.requests).toHaveLength(2);
  });

  test('ESC-5: 45 s without a byte end a try; any byte counts', async () => {
    const { bed, client, log } = begin();
    client.connect();
    await bed.clock.advance(0);
    bed.last().open(': hi\n\n');
    await bed.clock.advance(40_000);
    bed.last().say(':\n\n');
    await bed.clock.advance(40_000);
    expect(client.state).toBe('connected');
    await bed.clock.advance(5_500);
    expect(log).toEqual(['open 200', 'error link/no-beat']);
    expect(bed.requests).toHaveLength(2);
    // Nor does it wait for ever for an answer.
    await bed.clock.advance(46_500);
    expect(bed.requests).toHaveLength(3);
  });

  test('ESC-5: a network that returns opens a quiet stream again at once, and a page that wakes an overdue one', async () => {
    const { bed, client } = begin();
    client.connect();
    await bed.clock.advance(0);
    bed.last().open('data: a\n\n');
    await bed.clock.advance(1_000);
    bed.page('online');
    bed.page('wake');
    await bed.clock.advance(10_000);
    bed.page('wake');
    await bed.clock.advance(0);
    expect(bed.requests).toHaveLength(1);
    bed.page('online');
    await bed.clock.advance(0);
    expect(bed.requests).toHaveLength(2);
    bed.last().open('data: a\n\n');
    await bed.clock.advance(21_000);
    bed.page('wake');
    await bed.clock.advance(0);
    expect(bed.requests).toHaveLength(3);
  });

  test('ESC-5: makes no try while the page is offline, and one as it returns', async () => {
    const { bed, client } = begin({ maxRetries: 1 });
    client.connect();
    await bed.clock.advance(0);
    bed.page('offline');
    bed.last().answer(new TypeError('fetch failed'));
    await bed.clock.advance(120_000);
    expect(bed.requests).toHaveLength(1);
    bed.page('online');
    await bed.clock.advance(0);
    expect(bed.requests).toHaveLength(2);
  });

  test('ESC-6: handlers may throw, leave, end and begin the stream; nothing comes after its end', async () => {
    const { bed, client, seen, log } = begin();
    const calls: string[] = [];
    const off = client.on('message', ({ data }) => {
      calls.push(`first ${data}`);
      leave();
      off();
      throw new Error('a bug');
    });
    const leave = client.on('message', () => calls.push('never'));
    client.on('end', () => {
      client.disconnect();
      client.connect();
    });
    client.connect();
    await bed.clock.advance(0);
    bed.last().open('data: a\n\nevent: end\ndata: x\n\ndata: b\n\n');
    await bed.clock.advance(0);
    expect(calls).toEqual(['first a']);
    expect(seen).toEqual(['a']);
    expect(log).toEqual(['open 200', 'error server/internal', 'close']);
    expect(bed.requests).toHaveLength(2);
    expect(client.state).toBe('connecting');
  });

  test('ESC-6: callbacks may end it and begin it, and are told one after the other', async () => {
    const onOpen = vi.fn(() => client.disconnect());
    const { bed, client, log } = begin({ onOpen, onClose: () => void log.push('close') });
    client.connect();
    await bed.clock.advance(0);
    bed.last().open('data: a\n\n');
    await bed.clock.advance(0);
    expect(onOpen).toHaveBeenCalledTimes(1);
    expect(log).toEqual(['close']);
    expect(client.state).toBe('disconnected');
    expect(bed.last().isAborted).toBe(true);
  });

  test('ESC-6: what onError throws is reported, and stops nothing', async () => {
    const { bed, client } = begin({
      onError() {
        throw new Error('worse');
      },
    });
    client.connect();
    await bed.clock.advance(0);
    bed.last().answer(new TypeError('fetch failed'));
    await bed.clock.advance(500);
    expect(bed.reported).toHaveLength(1);
    expect(bed.requests).toHaveLength(2);
  });

  test('misuse throws at the call', () => {
    const { environment } = createSseBed();
    const make = (options: Partial<SSEClientOptions>) => () =>
      createSSEClient({ url: '/x', environment, ...options });
    expect(make({ maxRetries: -1 })).toThrow('`maxRetries`');
    expect(make({ initialRetryDelay: Number.NaN })).toThrow('`initialRetryDelay`');
    expect(make({ maxRetryDelay: -1 })).toThrow('`maxRetryDelay`');
    expect(make({ backoffMultiplier: 0.5 })).toThrow('`backoffMultiplier`');
    expect(make({ method: 'get', body: {} })).toThrow('`body` cannot go with GET');
    expect(() => createSSEClient({ url: '/x' })).toThrow('is no address here');
  });
});
