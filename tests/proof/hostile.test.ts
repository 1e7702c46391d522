// Promise T12: input that means harm, over real sockets. Each has its documented code; the process lives, its heap
// does not grow by more than 20 MB, and somebody else on the hub notices nothing.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { connectFrame, openRawLink, type RawLink } from '../e2e/desk/raw-link.ts';
import { type MatrixHub, numbers, startMatrixHub } from '../matrix/matrix-hub.ts';
import { heldBytes } from '../support/heap.ts';
import { openRawHttp } from '../support/raw-http.ts';
import { openRawSse } from '../support/raw-sse.ts';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { openWitness, type Witness } from './witness.ts';

const limit = 65_536;
let server: MatrixHub;
let witness: Witness;
let held: number;

beforeAll(async () => {
  server = await startMatrixHub(
    {},
    { limits: { bodyWithinMs: 700, maxLinksPerAddress: 5_000, maxPublishesPerSecond: 10_000 } },
  );
  witness = await openWitness(server);
  held = await heldBytes();
});

afterEach(async () => {
  await witness.noticedNothing();
  if ('polluted' in {}) throw new Error('a prototype was changed');
});

afterAll(async () => {
  await witness[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const origin = (): string => new URL(server.directUrl).origin;
const port = (): number => Number(new URL(server.directUrl).port);

async function openLink(fields: Readonly<Record<string, unknown>> = {}): Promise<RawLink> {
  const link = await openRawLink(origin());
  link.send(connectFrame(fields));
  await link.untilFrame('hello');
  return link;
}

async function post(path: string, body: string): Promise<{ status: number; code: unknown }> {
  const response = await fetch(`${server.directUrl}/${path}`, { method: 'POST', body });
  const answer = (await response.json()) as { error?: { code: unknown } };
  return { status: response.status, code: answer.error?.code };
}

/** A frame of an unknown type of exactly this many bytes: it is skipped. */
function padded(bytes: number): string {
  const frame = '{"type":"from-the-future","pad":""}';
  return frame.replace('""', `"${'x'.repeat(bytes - frame.length)}"`);
}

describe('over a WebSocket', () => {
  test('LIM-1: a frame of the limit is taken, one byte more ends its link', async () => {
    await using link = await openLink();
    link.send(padded(limit));
    link.send('{"type":"probe"}');
    await link.untilFrame('beat');
    link.send(padded(limit + 1));
    expect(await link.untilClosed()).toBe(4409);
    expect(await link.untilFrame('error')).toMatchObject({ error: { code: 'limit/frame-size' } });
  });

  test('LIM-1: twenty messages of 2 MB at once are not held in memory', async () => {
    const links = await Promise.all(Array.from({ length: 20 }, () => openLink()));
    const text = 'x'.repeat(2_000_000);
    let highest = 0;
    const watch = setInterval(() => {
      highest = Math.max(highest, server.hub.stats().queueBytes);
    }, 5);
    for (const link of links) {
      link.send(text);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const link of links) expect(await link.untilClosed()).toBe(4409);
    clearInterval(watch);
    for (const link of links) await link[Symbol.asyncDispose]();
    expect(highest).toBeLessThan(1_000_000);
  });

  test('LIM-3: ten thousand subscriptions on one link are refused but for the first hundred', async () => {
    await using link = await openLink();
    for (let n = 0; n < 10_000; n += 1) {
      link.send(`{"type":"subscribe","channels":[{"channel":"numbers:s${n}","from":"now"}]}`);
    }
    // Either all were answered, or the answers that nobody could take in time ended the link (SUB-8).
    await until(
      () => link.frames.length > 10_000 || link.frames.some(({ type }) => type === 'error'),
      { label: 'ten thousand verdicts, or an end', deadlineMs: 30_000, everyMs: 50 },
    );
    const verdicts = link.frames.filter(({ type }) => type === 'verdict');
    const exact = verdicts.filter(({ verdict }) => verdict === 'exact');
    expect(exact.length).toBeLessThanOrEqual(100);
    const others = verdicts.filter(({ verdict }) => verdict !== 'exact');
    expect(others.every((one) => JSON.stringify(one).includes('limit/channels'))).toBe(true);
    expect(server.hub.stats().subscriptions).toBeLessThanOrEqual(101);
  });

  test('SUB-6: ten thousand turns of coming and going leave the channel as it was', async () => {
    await using link = await openLink();
    const name = 'numbers:turnstile';
    for (let n = 0; n < 10_000; n += 1) {
      link.send(`{"type":"subscribe","channels":[{"channel":"${name}","from":"now"}]}`);
      link.send(`{"type":"unsubscribe","channels":["${name}"]}`);
    }
    link.send('{"type":"probe"}');
    await until(() => link.frames.some(({ type }) => type === 'beat' || type === 'error'), {
      label: 'the beat',
      deadlineMs: 30_000,
      everyMs: 50,
    });
    await until(() => server.hub.stats().subscriptions === 1, { label: 'one subscription' });
    expect(link.frames.filter(({ type }) => type === 'events')).toEqual([]);
  });

  test('LINK-1: a flood of frames before hello ends its link', async () => {
    await using link = await openRawLink(origin());
    link.send(connectFrame());
    for (let n = 0; n < 5_000; n += 1) link.send('{"type":"probe"}');
    const isOver = (): boolean => link.frames.some(({ type }) => type === 'error');
    await until(() => isOver() || link.frames.length > 5_000, {
      label: 'the end, or all beats',
      deadlineMs: 30_000,
    });
    const rest = link.frames.filter(({ type }) => !['hello', 'beat', 'error'].includes(type));
    expect(rest).toEqual([]);
  });

  test.each([
    ['a prototype', '{"type":"probe","__proto__":{"polluted":true}}', 'beat'],
    ['a constructor', '{"type":"probe","constructor":{"prototype":{"polluted":true}}}', 'beat'],
  ])('LINK-2: keys that mean %s are unknown fields', async (_name, text, answer) => {
    await using link = await openLink();
    link.send(text);
    await link.untilFrame(answer);
    expect(link.frames.map(({ type }) => type)).toEqual(['hello', answer]);
  });

  test('LINK-2: a type in the prototype is none', async () => {
    await using link = await openLink();
    link.send('{"__proto__":{"type":"probe"}}');
    expect(await link.untilClosed()).toBe(4400);
  });

  test('CHAN-4: what an event’s data says of prototypes is not stored', async () => {
    await using link = await openLink({ channels: [{ channel: 'numbers:proto', from: 'now' }] });
    const data =
      '{"n":1,"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    link.send(
      `{"type":"publish","id":1,"events":[{"channel":"numbers:proto","event":{"type":"counted","data":${data}}}]}`,
    );
    expect(await link.untilFrame('events')).toMatchObject({ events: [{ data: { n: 1 } }] });
    expect(JSON.stringify(link.frames)).not.toContain('polluted');
  });

  test.each([
    'numbers:\\u0000',
    'numbers:a\\r\\nid: 7',
    'numbers:\\ud800',
    'numbers:é',
    'num bers',
    '__proto__',
  ])('CHAN-2: "%s" names no channel', async (name) => {
    await using link = await openLink();
    link.send(`{"type":"subscribe","channels":[{"channel":"${name}"}]}`);
    expect(await link.untilFrame('error')).toMatchObject({
      error: { code: 'channel/invalid-name' },
    });
    expect(await link.untilClosed()).toBe(4400);
  });

  test.each(['\\u0000'.repeat(22), '\\ud800'.repeat(22), `${'a'.repeat(21)}\\n`, '../'.repeat(8)])(
    'LINK-1: "%s" is no session',
    async (session) => {
      await using link = await openRawLink(origin());
      link.send(`{"type":"connect","protocol":1,"session":"${session}","link":1,"channels":[]}`);
      expect(await link.untilFrame('error')).toMatchObject({
        error: { code: 'protocol/malformed' },
      });
    },
  );
});

describe('with limits that let large texts in', () => {
  // Made when they are needed: what this test holds itself would count as the hub's.
  const nested = (): string => `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const wide = (): string => `{${Array.from({ length: 1_000_000 }, (_, n) => `"k${n}":1`).join()}}`;
  let roomy: MatrixHub;

  beforeAll(async () => {
    roomy = await startMatrixHub({}, { limits: { maxFrameBytes: 32_000_000 } });
  });

  afterAll(() => roomy[Symbol.asyncDispose]());

  const bodies: readonly (readonly [string, () => string, string])[] = [
    ['a hundred thousand levels', nested, 'sse'],
    ['a hundred thousand levels in a field', () => `{"type":"connect","x":${nested()}}`, 'poll'],
    ['a million keys', wide, 'publish'],
    ['a million keys in a field', () => `{"type":"connect","protocol":1,"x":${wide()}}`, 'sse'],
    ['a million items', () => `{"type":"connect","channels":[${'0,'.repeat(1_000_000)}0]}`, 'poll'],
    ['a million quotes', () => `{"type":"${'\\"'.repeat(1_000_000)}"`, 'publish'],
  ];
  const refusal = { error: { code: 'protocol/malformed' } };

  test.each(bodies)('LIM-2: %s over a WebSocket', async (_name, text) => {
    await using link = await openRawLink(new URL(roomy.directUrl).origin);
    link.send(text());
    expect(await link.untilFrame('error')).toMatchObject(refusal);
    expect(await link.untilClosed()).toBe(4400);
  });

  test.each(bodies)('LIM-2: %s as a body', async (_name, text, path) => {
    const response = await fetch(`${roomy.directUrl}/${path}`, { method: 'POST', body: text() });
    expect([response.status, await response.json()]).toMatchObject([400, refusal]);
  });

  test('LIM-2: a million unknown keys beside a sound connect are skipped', async () => {
    await using link = await openRawLink(new URL(roomy.directUrl).origin);
    link.send(`${connectFrame().slice(0, -1)},"new":${wide()}}`);
    expect(await link.untilFrame('hello')).toMatchObject({ protocol: 1 });
  });
});

describe('over HTTP', () => {
  test('LIM-1: a body over the limit is refused with its code, declared or in chunks without end', async () => {
    for (const path of ['sse', 'poll', 'publish']) {
      expect(await post(path, 'x'.repeat(limit + 1))).toEqual({
        status: 413,
        code: 'limit/body-size',
      });
      await using raw = await openRawHttp({ port: port() });
      raw.write(`POST /realtime/${path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n`);
      const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
      for (let n = 0; n < 8; n += 1) raw.write(chunk);
      expect((await raw.response()).status).toBe(413);
    }
  });

  test('LIM-1: headers of 64 KB are refused before the hub sees them', async () => {
    await using raw = await openRawHttp({ port: port() });
    raw.write(`POST /realtime/sse HTTP/1.1\r\nHost: h\r\nX-Pad: ${'x'.repeat(limit)}\r\n\r\n`);
    expect((await raw.response()).status).toBe(431);
    await using upgrade = await openRawHttp({ port: port() });
    upgrade.write(
      `GET /realtime/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nX: ${'x'.repeat(limit)}\r\n\r\n`,
    );
    expect((await upgrade.response()).status).toBe(431);
  });

  test('LIM-6: two hundred bodies that drip are ended in time, and their connections with them', async () => {
    const slow = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const raw = await openRawHttp({ port: port() });
        const path = ['sse', 'poll', 'publish'][n % 3];
        raw.write(`POST /realtime/${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n{`);
        return raw;
      }),
    );
    const dripping = slow.map((raw) => raw.trickle(' '.repeat(60), 50));
    const began = performance.now();
    for (const raw of slow) {
      const answer = await raw.response();
      expect([answer.status, answer.body.includes('request/timeout')]).toEqual([408, true]);
      await raw.closed;
    }
    const tookMs = performance.now() - began;
    await Promise.all(dripping);
    for (const raw of slow) await raw[Symbol.asyncDispose]();
    expectWithin(tookMs, 4_000, 'the refusal');
  });

  test.each([
    '%0d%0aid:%207',
    '%00',
    'e.1%0a',
    'e.1%0d%0a%0d%0adata:%20x',
    '%ff',
    'e.-1',
    `e.${'9'.repeat(30)}`,
  ])('CUR-2: a plain stream from the cursor "%s" is refused', async (cursor) => {
    const response = await fetch(`${server.directUrl}/events?channel=numbers:a&cursor=${cursor}`);
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { code: 'cursor/malformed' } },
    ]);
  });

  test('SSE-2: line ends and NULs in an event’s id, key and data make no fields of a plain stream', async () => {
    const evil = 'x\r\n\r\nid: 99\r\nevent: gap\rdata: {}\n\n\u0000\u2028\ud800';
    await using stream = await openRawSse(`${server.directUrl}/events?channel=numbers:lines`);
    await until(() => stream.ids.length > 0, { label: 'the position' });
    const event = { type: 'counted', id: evil, data: { n: 1, evil } };
    const body = JSON.stringify({ events: [{ channel: 'numbers:lines', key: evil, event }] });
    expect(await post('publish', body)).toEqual({ status: 200, code: undefined });
    await server.hub.publish(numbers.of({ name: 'lines' }), { type: 'counted', data: { n: 2 } });
    const events = await stream.untilEvents(2);
    expect(events.map(({ type, id }) => [type, id.replace(/^.*\./, '')])).toEqual([
      ['message', '1'],
      ['message', '2'],
    ]);
    expect(JSON.parse(events[0]?.data ?? '')).toMatchObject({ id: evil, data: { n: 1 } });
  });

  test('CHAN-4: an event type with a line end is no event', async () => {
    const event = { type: 'counted\ndata: {}', data: { n: 1 } };
    const body = JSON.stringify({ events: [{ channel: 'numbers:lines', event }] });
    const response = await fetch(`${server.directUrl}/publish`, { method: 'POST', body });
    expect(await response.json()).toMatchObject({
      results: [{ error: { code: 'contract/unknown-event' } }],
    });
  });

  test('LINK-2: a thousand connections that say nothing, or half a line, hold nobody up', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 500 }, () => openRawHttp({ port: port() })),
    );
    for (const [n, socket] of sockets.entries()) if (n % 2 === 0) socket.write('POST /realtime/ss');
    const idle = Array.from(
      { length: 500 },
      () => new WebSocket(`${server.directUrl.replace('http', 'ws')}/ws`, 'millrace.1'),
    );
    await until(() => idle.every(({ readyState }) => readyState === WebSocket.OPEN), {
      label: 'all',
    });
    await witness.noticedNothing();
    expect(sockets.map((socket) => socket.received()).join('')).toBe('');
    for (const socket of idle) socket.terminate();
    for (const socket of sockets) await socket[Symbol.asyncDispose]();
  });
});

test('LIM-1: all of this together has left less than 20 MB behind', async () => {
  expect((await heldBytes()) - held).toBeLessThan(20_000_000);
});
