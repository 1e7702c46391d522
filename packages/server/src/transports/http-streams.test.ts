// What only SSE, long-poll and plain SSE have: their bytes, headers and holds.

import { encodeCursor, type Start } from '@millrace/protocol';
import { encodeClientFrame, parseServerFrames, toOffset } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import { connectFrame } from '../testing/memory-link.ts';
import { codeOf, rawRequest, rawSocket } from '../testing/raw-http.ts';
import { listedNotes, openNotes } from '../testing/test-channels.ts';
import { type ServedHub, serveHub } from '../testing/transport-subject.ts';
import { waitUntil } from '../testing/waiting.ts';

const notes = openNotes.of({ id: '1' });
const note = (text: string) => ({ type: 'note', data: { text } }) as const;
const on = (start: Start = 'now') => [{ channel: notes.name, start, version: 1 }];

/** The bytes of an answer, as they come. */
function openText(served: ServedHub, path: string, body?: string, headers = '') {
  const method = body === undefined ? 'GET' : 'POST';
  const length = body === undefined ? '' : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return rawSocket(
    served.origin,
    `${method} /realtime${path} HTTP/1.1\r\nHost: a\r\n${headers}${length}\r\n${body ?? ''}`,
  );
}

describe('SSE', () => {
  test('SSE-1: headers forbid caching, transforming and buffering, and come with the first bytes', async () => {
    await using served = await serveHub();
    using socket = openText(served, '/sse', encodeClientFrame(connectFrame({ channels: on() })));
    await waitUntil('hello', () => socket.text.includes('"hello"'));
    expect(socket.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(socket.text).toContain('Content-Type: text/event-stream; charset=utf-8\r\n');
    expect(socket.text).toContain('Cache-Control: no-store, no-transform\r\n');
    expect(socket.text).toContain('X-Accel-Buffering: no\r\n');
    expect(socket.text).not.toMatch(/^(?:event|id):/m);
  });

  test('SSE-1: a refusal before hello is a status, one after it a block', async () => {
    await using served = await serveHub();
    const forged = await rawRequest(`${served.url}/sse`, {
      body: encodeClientFrame(connectFrame({ token: 'x' })),
    });
    expect([forged.status, codeOf(forged)]).toEqual([401, 'auth/invalid']);
    const token = `user-ann-until-${Date.now() + 200}`;
    using socket = openText(served, '/sse', encodeClientFrame(connectFrame({ token })));
    await waitUntil('the end', () => socket.text.endsWith('0\r\n\r\n'));
    expect(socket.text).toMatch(/data: \{"type":"error","error":\{"code":"auth\/expired"/);
  });

  test('LINK-6: a link that asked for it gets its beats', async () => {
    await using served = await serveHub();
    using socket = openText(served, '/sse', encodeClientFrame(connectFrame({ beatMs: 1_000 })));
    await waitUntil('two beats', () => socket.text.split('"beat"').length > 2, 3_000);
    expect(socket.text).toMatch(/data: \{"type":"beat","at":\d{13}\}\n\n/);
  });
});

test('SUB-8: a stream whose peer does not read costs its limit, and gets everything once it reads', async () => {
  await using served = await serveHub();
  using socket = openText(served, '/sse', encodeClientFrame(connectFrame({ channels: on() })));
  await waitUntil('the verdict', () => socket.text.includes('"verdict"'));
  socket.socket.pause();
  const filler = 'x'.repeat(10_000);
  for (let index = 0; index < 2_000; index += 1)
    await served.hub.publish(notes, note(`${index} ${filler}`));
  const { queueBytes } = served.hub.stats();
  expect(queueBytes).toBeGreaterThan(100_000);
  expect(queueBytes).toBeLessThan(600_000);
  socket.socket.resume();
  await waitUntil('the last event', () => socket.text.includes('"text":"1999 x'), 10_000);
  const offsets = [...socket.text.matchAll(/"offset":(\d+)/g)].map((match) => Number(match[1]));
  expect(offsets).toEqual(Array.from({ length: 2_000 }, (_, index) => index + 1));
});

describe('poll', () => {
  const poll = async (served: ServedHub, holdMs: number, start: Start) => {
    const body = encodeClientFrame(connectFrame({ holdMs, channels: on(start) }));
    const from = performance.now();
    const answer = await rawRequest(`${served.url}/poll`, { body });
    return {
      frames: parseServerFrames(JSON.parse(answer.text)),
      tookMs: performance.now() - from,
      answer,
    };
  };

  test('POLL-1: the answer is one plain list, at once when there is something to tell', async () => {
    await using served = await serveHub();
    await served.hub.publish(notes, note('a'));
    const { frames, tookMs, answer } = await poll(served, 5_000, 'start');
    expect(frames.map((one) => one.type)).toEqual(['hello', 'verdict', 'events']);
    expect(tookMs).toBeLessThan(500);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-store, no-transform');
  });

  test('POLL-1: a new cursor is something to tell', async () => {
    await using served = await serveHub();
    const { frames, tookMs } = await poll(served, 5_000, 'now');
    expect(frames.map((one) => one.type)).toEqual(['hello', 'verdict']);
    expect(tookMs).toBeLessThan(500);
  });

  test('POLL-2: exact at the cursor that was sent is none: the poll is held to its time', async () => {
    await using served = await serveHub();
    const cursor = await served.hub.publish(notes, note('a'));
    const held = await poll(served, 300, cursor);
    expect(held.frames.map((one) => one.type)).toEqual(['hello', 'verdict']);
    expect(held.tookMs).toBeGreaterThanOrEqual(300);
    expect((await poll(served, 0, cursor)).tookMs).toBeLessThan(200);
  });

  test('POLL-1: a held poll is answered with what comes, all that a tick brought', async () => {
    await using served = await serveHub();
    const cursor = await served.hub.publish(notes, note('a'));
    const polling = poll(served, 5_000, cursor);
    await waitUntil('the poll', () => served.hub.stats().subscriptions === 1);
    await Promise.all([served.hub.publish(notes, note('b')), served.hub.publish(notes, note('c'))]);
    const { frames, tookMs } = await polling;
    expect(tookMs).toBeLessThan(2_000);
    expect(frames.at(-1)).toMatchObject({ type: 'events', events: [{ offset: 2 }, { offset: 3 }] });
  });

  test('POLL-1: a long past comes in answers of bounded size, by cursors alone', async () => {
    await using served = await serveHub();
    const big = 'x'.repeat(5_000);
    const items = Array.from({ length: 200 }, (_, index) => ({
      channel: notes,
      event: note(`${index} ${big}`),
    }));
    await served.hub.publishMany(items);
    let start: Start = 'start';
    let seen = 0;
    for (let polls = 0; seen < 200; polls += 1) {
      const { frames, answer } = await poll(served, 0, start);
      expect(answer.text.length).toBeLessThan(400_000);
      expect(polls).toBeLessThan(10);
      for (const frame of frames) {
        if (frame.type === 'verdict' && 'cursor' in frame) start = frame.cursor;
        if (frame.type !== 'events' || typeof start !== 'object' || !('epoch' in start)) continue;
        seen += frame.events.length;
        start = { ...start, offset: toOffset(seen) };
      }
    }
    expect(seen).toBe(200);
  });

  test('POLL-1: nothing is kept between polls', async () => {
    await using served = await serveHub();
    await poll(served, 0, 'now');
    await waitUntil('no link', () => Object.keys(served.hub.stats().links).length === 0);
    expect(served.hub.stats().subscriptions).toBe(0);
  });

  test('LINK-8: a parked poll is answered when the hub closes', async () => {
    await using served = await serveHub();
    const cursor = await served.hub.publish(notes, note('a'));
    const polling = poll(served, 20_000, cursor);
    await waitUntil('the poll', () => served.hub.stats().subscriptions === 1);
    await served.hub.close();
    expect((await polling).frames.map((one) => one.type)).toContain('goaway');
  });
});

describe('plain SSE', () => {
  test('PLAIN-1: an event is one message block with its cursor as id', async () => {
    await using served = await serveHub();
    const cursor = await served.hub.publish(notes, note('a\nb'));
    using socket = openText(served, '/events?channel=open_notes:1&from=start');
    await waitUntil('the event', () => socket.text.includes('"a\\nb"'));
    const block = `\nid: ${encodeCursor(cursor)}\ndata: {"offset":1,`;
    expect(socket.text).toContain(block);
    expect(socket.text).toContain('"type":"note","data":{"text":"a\\nb"}}\n\n');
    expect(socket.text).not.toMatch(/^event:/m);
  });

  test('PLAIN-1: Last-Event-ID resumes, before what the address says', async () => {
    await using served = await serveHub();
    const seen = await served.hub.publish(notes, note('seen'));
    await served.hub.publish(notes, note('missed'));
    const header = `Last-Event-ID: ${encodeCursor(seen)}\r\n`;
    using socket = openText(served, '/events?channel=open_notes:1&from=start', undefined, header);
    await waitUntil('the event', () => socket.text.includes('missed'));
    await served.hub.publish(notes, note('live'));
    await waitUntil('the live one', () => socket.text.includes('live'));
    expect(socket.text).not.toContain('seen');
    using byCursor = openText(served, `/events?channel=open_notes:1&cursor=${encodeCursor(seen)}`);
    await waitUntil('the event', () => byCursor.text.includes('missed'));
    using last = openText(served, '/events?channel=open_notes:1&last=2');
    await waitUntil('two events', () => last.text.includes('live'));
    expect(last.text).not.toContain('seen');
  });

  test('PLAIN-2: a comment with the headers, the cursor without events, then heartbeats', async () => {
    await using served = await serveHub({ beatMs: { sse: 1_000 } });
    const cursor = await served.hub.publish(notes, note('a'));
    using socket = openText(served, '/events?channel=open_notes:1');
    await waitUntil('the cursor', () => socket.text.includes(`\nid: ${encodeCursor(cursor)}\n\n`));
    expect(socket.text).toContain('X-Accel-Buffering: no\r\n');
    expect(socket.text).toMatch(/\r\n:connected\n\n/);
    await waitUntil('a heartbeat', () => socket.text.includes(':heartbeat\n\n'), 2_000);
  });

  test('PLAIN-3: a gap is a block of its own before the next event', async () => {
    await using served = await serveHub();
    await served.hub.publish(notes, note('kept'));
    using socket = openText(served, '/events?channel=open_notes:1&cursor=elsewhere.9');
    await waitUntil('the event', () => socket.text.includes('kept'));
    expect(socket.text).toMatch(
      /event: gap\nid: \S+\.0\ndata: \{"from":null,"to":null,"reason":"restarted"\}\n\n/,
    );
    expect(socket.text.indexOf('event: gap')).toBeLessThan(socket.text.indexOf('kept'));
  });

  test.each([
    ['/events?channel=closed_notes:1', '', 403, 'auth/denied'],
    ['/events?channel=nobody:knows', '', 404, 'channel/unknown'],
    ['/events', '', 400, 'channel/invalid-name'],
    ['/events?channel=A%20B', '', 400, 'channel/invalid-name'],
    ['/events?channel=open_notes:1&cursor=1', '', 400, 'cursor/malformed'],
    ['/events?channel=open_notes:1&last=x', '', 400, 'request/invalid'],
    ['/events?channel=open_notes:1', 'Bearer forged', 401, 'auth/invalid'],
  ])(
    'PLAIN-3: %s is refused with its status before a stream opens',
    async (path, authorization, status, code) => {
      await using served = await serveHub();
      const headers: Record<string, string> =
        authorization === '' ? {} : { Authorization: authorization };
      const answer = await rawRequest(`${served.url}${path}`, { method: 'GET', headers });
      expect([answer.status, codeOf(answer)]).toEqual([status, code]);
      expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    },
  );

  test('PLAIN-3: an ended channel closes after its last event, and is 204 from there', async () => {
    await using served = await serveHub();
    await served.hub.publish(notes, note('first'));
    using socket = openText(served, '/events?channel=open_notes:1&from=start');
    await waitUntil('the first', () => socket.text.includes('first'));
    const cursor = await served.hub.publish(notes, note('last'));
    await served.hub.end(notes);
    await waitUntil('the end', () => socket.text.endsWith('0\r\n\r\n'));
    expect(socket.text).toContain('last');
    const again = await rawRequest(`${served.url}/events?channel=open_notes:1`, {
      method: 'GET',
      headers: { 'Last-Event-ID': encodeCursor(cursor) },
    });
    expect([again.status, again.text]).toEqual([204, '']);
  });

  test('SUB-5: a contract with state begins with its snapshot', async () => {
    await using served = await serveHub();
    await served.hub.publish(listedNotes.of({ id: '1' }), note('a'));
    using socket = openText(served, '/events?channel=listed_notes:1');
    await waitUntil('the state', () => socket.text.includes('event: snapshot'));
    expect(socket.text).toMatch(
      /event: snapshot\nid: \S+\.1\ndata: \{"version":2,"state":\["a"\]\}\n\n/,
    );
  });

  test('AUTH-3: a plain stream ends when its token does', async () => {
    await using served = await serveHub();
    const token = `user-ann-until-${Date.now() + 300}`;
    using socket = openText(
      served,
      '/events?channel=closed_notes:1',
      undefined,
      `Authorization: Bearer ${token}\r\n`,
    );
    await waitUntil('the stream', () => socket.text.includes(':connected'));
    await waitUntil('its end', () => socket.text.endsWith('0\r\n\r\n'));
    expect(socket.text).toContain('auth/expired');
  });
});
