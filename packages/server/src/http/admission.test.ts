// Admission on every carrier: refused before anybody is signed in, with a status and a time to come back.

import { encodeClientFrame } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import { connectFrame } from '../testing/memory-link.ts';
import { codeOf, type RawAnswer, rawRequest, rawSocket } from '../testing/raw-http.ts';
import { openNotes } from '../testing/test-channels.ts';
import { type ServedHub, serveHub } from '../testing/transport-subject.ts';
import { waitUntil } from '../testing/waiting.ts';

const channel = openNotes.of({ id: '1' }).name;
const fresh = () => encodeClientFrame({ ...connectFrame({ token: 'user-ann' }), holdMs: 0 });

/** One link a second with a burst of two, both taken; counts those who ask who they are from then on. */
async function serveFull(): Promise<{ served: ServedHub; signIns(): number }> {
  let count = 0;
  const served = await serveHub({
    limits: { maxConnectsPerSecond: 1 },
    authenticate: () => {
      count += 1;
      return { id: 'ann' };
    },
  });
  for (let taken = 0; taken < 2; taken += 1) {
    expect((await rawRequest(`${served.url}/poll`, { body: fresh() })).status).toBe(200);
  }
  count = 0;
  return { served, signIns: () => count };
}

function expectLater(answer: RawAnswer): void {
  expect([answer.status, codeOf(answer)]).toEqual([503, 'server/overloaded']);
  const seconds = Number(answer.headers['retry-after']);
  const { error } = JSON.parse(answer.text) as { error: { details: { retryAfterMs: number } } };
  expect(error.details.retryAfterMs).toBeGreaterThanOrEqual(500);
  expect(error.details.retryAfterMs).toBeLessThanOrEqual(4_000);
  expect(seconds).toBe(Math.ceil(error.details.retryAfterMs / 1_000));
}

describe('a hub that takes no more links', () => {
  test('LIM-7: a stream, a poll and a plain stream are refused before anybody is signed in', async () => {
    const { served, signIns } = await serveFull();
    await using _served = served;
    const plain = { method: 'GET', headers: { Accept: '*/*' } };
    expectLater(await rawRequest(`${served.url}/sse`, { body: fresh() }));
    expectLater(await rawRequest(`${served.url}/poll`, { body: fresh() }));
    expectLater(await rawRequest(`${served.url}/events?channel=${channel}`, plain));
    expect(signIns()).toBe(0);
    const { refused, pressure } = served.hub.stats();
    expect([refused, pressure.notAdmitted]).toEqual([{ 'server/overloaded': 3 }, 3]);
  });

  test('LIM-7: an upgrade is refused with a status in place of a 101', async () => {
    const { served, signIns } = await serveFull();
    await using _served = served;
    const head = [
      'GET /realtime/ws HTTP/1.1',
      `Host: ${new URL(served.origin).host}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: millrace.1',
    ];
    using socket = rawSocket(served.origin, `${head.join('\r\n')}\r\n\r\n`);
    await waitUntil('the end of the answer', () => socket.isClosed);
    expect(socket.text).toMatch(/^HTTP\/1\.1 503 /);
    expect(socket.text).toMatch(/\r\nRetry-After: [1-3]\r\n/);
    expect(socket.text).toContain('server/overloaded');
    expect(signIns()).toBe(0);
  });

  test('LIM-7: whoever brings a cursor is let in, and publishing is no link', async () => {
    const { served } = await serveFull();
    await using _served = served;
    const { next } = await served.hub.history(openNotes.of({ id: '1' }));
    const channels = [{ channel, start: next, version: 1 }];
    const body = encodeClientFrame({ ...connectFrame({ channels }), holdMs: 0 });
    expect((await rawRequest(`${served.url}/poll`, { body })).status).toBe(200);
    const events = [{ channel, event: { type: 'note', data: { text: 'a' } } }];
    const published = await rawRequest(`${served.url}/publish`, {
      body: JSON.stringify({ events }),
    });
    expect(published.status).toBe(200);
  });

  test('PLAIN-4: an EventSource, which a status would end for good, gets a stream that tells it when to come back', async () => {
    const { served, signIns } = await serveFull();
    await using _served = served;
    const answer = await rawRequest(`${served.url}/events?channel=${channel}`, {
      method: 'GET',
      headers: { Accept: 'text/event-stream' },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toContain('text/event-stream');
    expect(answer.text).toMatch(/^event: problem\nretry: \d{3,4}\ndata: \{.*\}\n\n$/);
    expect(answer.text).toContain('"code":"server/overloaded"');
    expect(signIns()).toBe(0);
    expect(served.hub.stats().refused).toEqual({ 'server/overloaded': 1 });
  });
});

test('LIM-7: ordinary use never meets the limit: five hundred links at once', async () => {
  await using served = await serveHub();
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => rawRequest(`${served.url}/poll`, { body: fresh() })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});
