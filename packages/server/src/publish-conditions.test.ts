// Publishing on conditions, from inside and outside, and what happens when too much waits.
// The log's own part is proven by the conformance cases of engines.

import { encodeCursor, MillraceError } from '@millrace/protocol';
import type { PublishItem } from '@millrace/protocol/wire';
import { describe, expect, test } from 'vitest';
import { memoryEngine } from './engines/memory/memory-engine.ts';
import { createHub } from './hub.ts';
import type { Identity } from './hub-types.ts';
import type { Engine } from './seams/engine.ts';
import { rawRequest } from './testing/raw-http.ts';
import { on, runCore, textsOf } from './testing/run-core.ts';
import { closedNotes, openNotes, testHubOptions } from './testing/test-channels.ts';
import { serveHub } from './testing/transport-subject.ts';
import { waitUntil } from './testing/waiting.ts';

const notes = openNotes.of({ id: '1' });
const note = (text: string) => ({ type: 'note', data: { text } }) as const;
const step = (epoch: number, sequence: number, id = 'p') => ({ producer: { id, epoch, sequence } });
const item = (text: string, over: Partial<PublishItem> = {}): PublishItem => ({
  channel: notes.name,
  event: note(text),
  ...over,
});

describe('producers', () => {
  test('PUB-6: a repeat, a gap and a replaced owner, from inside', async () => {
    const hub = createHub(testHubOptions);
    const first = await hub.publish(notes, note('a'), step(1, 1));
    expect(await hub.publish(notes, note('a'), step(1, 1))).toEqual(first);
    await expect(hub.publish(notes, note('c'), step(1, 3))).rejects.toMatchObject({
      code: 'publish/sequence-gap',
      retryable: false,
      details: { expected: 2 },
    });
    const results = await hub.publishMany([
      { channel: notes, event: note('b'), ...step(2, 1) },
      { channel: notes, event: note('late'), ...step(1, 2) },
    ]);
    expect(results).toMatchObject([
      { cursor: { offset: 2 } },
      { error: { code: 'publish/fenced', retryable: false, details: { epoch: 2 } } },
    ]);
    await hub.close();
  });

  test('PUB-6: what makes no sense is refused, and spoils nothing else', async () => {
    const hub = createHub(testHubOptions);
    const wrong = [
      { key: 'k', ...step(1, 1) },
      step(1, 0),
      step(-1, 1),
      step(1.5, 1),
      step(1, Number.NaN),
      step(1, 1, 'x'.repeat(201)),
      { key: 'x'.repeat(201) },
    ];
    const items = [...wrong, {}].map((over) => ({ channel: notes, event: note('a'), ...over }));
    const results = await hub.publishMany(items);
    expect(results.map((one) => ('error' in one ? one.error.code : one.cursor.offset))).toEqual([
      ...wrong.map(() => 'request/invalid'),
      1,
    ]);
    await hub.close();
  });

  test('PUB-6: nobody outside shuts out a producer of the server or of somebody else', async () => {
    await using hub = runCore({ authorize: () => true });
    const publish = (identity: Identity | null, over: Partial<PublishItem>) =>
      hub.core.clientPublish.publish({ identity, origin: 'there', items: [item('a', over)] });
    const own = { channel: notes.name, event: note('own') };
    await hub.core.publisher.publish([own, { ...own, ...step(1, 1) }]);
    for (const identity of [null, { id: 'ann' }, { id: 'bob' }]) {
      expect(await publish(identity, step(9, 1))).toMatchObject([{ cursor: {} }]);
      expect(await publish(identity, step(9, 1))).toMatchObject([{ cursor: {} }]);
      expect(await publish(identity, step(8, 1))).toMatchObject([
        { error: { code: 'publish/fenced' } },
      ]);
    }
    const { head } = await hub.engine.log.read(notes.name, 0 as never, {
      maxEvents: 0,
      maxBytes: 0,
    });
    expect(head).toBe(5);
    const [next] = await hub.core.publisher.publish([{ ...own, ...step(1, 2) }]);
    expect(next).toMatchObject({ cursor: { offset: 6 } });
  });

  test('PUB-6: over HTTP each event is answered for itself', async () => {
    await using served = await serveHub();
    const events = [
      item('a', step(1, 1)),
      item('a', step(1, 1)),
      item('c', step(1, 3)),
      item('b', step(1, 2)),
    ];
    const answer = await rawRequest(`${served.url}/publish`, { body: JSON.stringify({ events }) });
    expect(answer.status).toBe(200);
    const { results } = JSON.parse(answer.text) as { results: { cursor?: string }[] };
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toMatchObject({
      error: { code: 'publish/sequence-gap', details: { expected: 2 } },
    });
    expect(results[3]?.cursor).toMatch(/\.2$/);
  });
});

describe('an expected head', () => {
  test('PUB-7: is where it was believed to be, or the event is refused with where it is', async () => {
    await using served = await serveHub();
    const { hub } = served;
    const first = await hub.publish(notes, note('a'), { expect: 'empty' });
    const second = await hub.publish(notes, note('b'), { expect: first });
    await expect(hub.publish(notes, note('c'), { expect: first })).rejects.toMatchObject({
      code: 'publish/conflict',
      retryable: false,
      details: { head: encodeCursor(second) },
    });
    const events = [
      item('lost', { expect: 'empty' }),
      item('c', { expect: encodeCursor(second) }),
      item('lost', { expect: encodeCursor(second) }),
    ];
    const answer = await rawRequest(`${served.url}/publish`, { body: JSON.stringify({ events }) });
    const conflict = (head: string) => ({ error: { code: 'publish/conflict', details: { head } } });
    expect(JSON.parse(answer.text)).toMatchObject({
      results: [
        conflict(encodeCursor(second)),
        { cursor: `${first.epoch}.3` },
        conflict(`${first.epoch}.3`),
      ],
    });
  });

  test('PUB-7: on a link, and a text that is no cursor is refused before anything is appended', async () => {
    await using hub = runCore();
    const link = hub.open(on(notes));
    await link.next('verdict');
    link.attachment.received({ type: 'publish', id: 1, events: [item('a', { expect: 'empty' })] });
    link.attachment.received({ type: 'publish', id: 2, events: [item('b', { expect: 'empty' })] });
    await waitUntil('both answers', () => publishedIn(link.frames).length === 2);
    expect(publishedIn(link.frames)).toMatchObject([
      { id: 1, results: [{ cursor: { offset: 1 } }] },
      { id: 2, results: [{ error: { code: 'publish/conflict' } }] },
    ]);
    await using served = await serveHub();
    const events = [item('a'), item('b', { expect: 'nowhere' })];
    const answer = await rawRequest(`${served.url}/publish`, { body: JSON.stringify({ events }) });
    expect(answer).toMatchObject({ status: 400 });
    expect((await served.hub.history(notes)).events).toEqual([]);
  });
});

describe('too much at once', () => {
  test('PUB-8: what waits is bounded by count and by bytes; nothing accepted is lost, nothing refused appended', async () => {
    for (const limits of [{ maxPublishQueue: 4 }, { maxPublishQueueBytes: 200 }]) {
      const gated = gatedEngine();
      await using hub = runCore({ engine: gated.engine, limits });
      const publishing = Array.from({ length: 10 }, (_, index) =>
        hub.publish(notes, `${index}`).then(
          () => `${index}`,
          (error: unknown) => error,
        ),
      );
      await waitUntil('an append', () => gated.waiting() > 0);
      gated.open();
      const answers = await Promise.all(publishing);
      const accepted = answers.filter((one) => typeof one === 'string');
      const refused = answers.filter((one) => one instanceof MillraceError);
      expect(accepted.length).toBeGreaterThan(0);
      expect(refused.length).toBeGreaterThan(0);
      for (const error of refused) {
        expect(error).toMatchObject({
          code: 'server/overloaded',
          retryable: true,
          details: { retryAfterMs: 1_000 },
        });
      }
      const link = hub.open(on(notes, 'start'));
      await waitUntil('what was accepted', () => textsOf(link).length === accepted.length);
      expect(textsOf(link)).toEqual(accepted);
      await hub.publish(notes, 'later');
    }
  });

  test('PUB-8: over HTTP it is 503 with Retry-After, and the same request succeeds later', async () => {
    const gated = gatedEngine();
    await using served = await serveHub({ engine: gated.engine, limits: { maxPublishQueue: 2 } });
    const body = JSON.stringify({ events: [item('a'), item('b')] });
    const first = rawRequest(`${served.url}/publish`, { body });
    await waitUntil('an append', () => gated.waiting() > 0);
    const refused = await rawRequest(`${served.url}/publish`, { body });
    expect(refused.status).toBe(503);
    expect(refused.headers['retry-after']).toBe('1');
    expect(JSON.parse(refused.text)).toMatchObject({
      error: { code: 'server/overloaded', retryable: true },
    });
    gated.open();
    expect((await first).status).toBe(200);
    expect((await rawRequest(`${served.url}/publish`, { body })).status).toBe(200);
    expect((await served.hub.history(notes)).events).toHaveLength(4);
  });

  test('LIM-5: over the rate it is 429 with Retry-After', async () => {
    await using served = await serveHub({ limits: { maxPublishesPerSecond: 1 } });
    const body = JSON.stringify({ events: [item('a'), item('b')] });
    expect((await rawRequest(`${served.url}/publish`, { body })).status).toBe(200);
    const refused = await rawRequest(`${served.url}/publish`, { body });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect((await served.hub.history(notes)).events).toHaveLength(2);
  });
});

test('PUB-10: what one link sends is appended in its order, however long permission takes', async () => {
  const pending: (() => void)[] = [];
  await using hub = runCore({
    authorize: (_identity, action) =>
      action === 'subscribe' || new Promise((resolve) => pending.push(() => resolve(true))),
  });
  const closed = closedNotes.of({ id: '1' });
  const link = hub.open({ ...on(closed), token: 'user-ann' });
  await link.next('verdict');
  for (const [index, text] of ['a', 'b', 'c'].entries()) {
    const events = [{ channel: closed.name, event: note(text) }];
    link.attachment.received({ type: 'publish', id: index + 1, events });
  }
  await waitUntil('the questions', () => pending.length === 3);
  for (const answer of pending.toReversed()) {
    answer();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await waitUntil('the events', () => textsOf(link).length === 3);
  expect(textsOf(link)).toEqual(['a', 'b', 'c']);
});

test('EVT-1: of sixteen that publish at once, on links and inside, every reader sees one order', async () => {
  await using hub = runCore({ limits: { maxPublishesPerSecond: 10_000 } });
  const readers = [hub.open(on(notes)), hub.open(on(notes, 'start')), hub.open(on(notes))];
  await Promise.all(readers.map((reader) => reader.next('verdict')));
  const publishing = Array.from({ length: 16 }, async (_, publisher) => {
    const link = publisher % 2 === 0 ? null : hub.open();
    await link?.next('hello');
    for (let step = 1; step <= 20; step += 1) {
      const text = `${publisher}/${step}`;
      if (link === null) await hub.publish(notes, text);
      else link.attachment.received({ type: 'publish', id: step, events: [item(text)] });
    }
  });
  await Promise.all(publishing);
  const late = hub.open(on(notes, 'start'));
  await waitUntil('all events everywhere', () =>
    [...readers, late].every((reader) => textsOf(reader).length >= 320),
  );
  const order = textsOf(late);
  for (const reader of readers) expect(textsOf(reader)).toEqual(order);
  for (let publisher = 0; publisher < 16; publisher += 1) {
    const own = order.filter((text) => text.startsWith(`${publisher}/`));
    expect(own).toEqual(Array.from({ length: 20 }, (_, index) => `${publisher}/${index + 1}`));
  }
});

function publishedIn(frames: readonly { readonly type: string }[]): unknown[] {
  return frames.filter(({ type }) => type === 'published');
}

/** A memory engine that appends nothing until it is opened. */
function gatedEngine(): { engine: Engine; open: () => void; waiting: () => number } {
  const engine = memoryEngine();
  const { promise, resolve } = Promise.withResolvers<void>();
  let waiting = 0;
  return {
    open: resolve,
    waiting: () => waiting,
    engine: {
      ...engine,
      log: {
        ...engine.log,
        async append(batch) {
          waiting += 1;
          await promise;
          return engine.log.append(batch);
        },
      },
    },
  };
}
