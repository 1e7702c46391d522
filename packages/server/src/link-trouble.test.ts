// What must harm one link at most: callbacks that throw or answer nonsense, links that end while they begin.

import { expect, test } from 'vitest';
import { connectFrame } from './testing/memory-link.ts';
import { on, runCore, textsOf } from './testing/run-core.ts';
import { openNotes } from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

const notes = openNotes.of({ id: '1' });

test('AUTH-3: an expiry that is no number is a defect that is told, never an identity without an end', async () => {
  await using hub = runCore({ authenticate: () => ({ id: 'ann', expiresAt: Number.NaN }) });
  const link = hub.open({ token: 'any' });
  await waitUntil('the end', () => link.closedWith !== undefined);
  expect(link.closedWith?.code).toBe('server/internal');
  expect(hub.errors[0]).toContain('expiresAt');
});

test('AUTH-3: of two newer tokens the later one counts, whichever is answered first', async () => {
  const answers: (() => void)[] = [];
  await using hub = runCore({
    authenticate: async ({ token }) => {
      if (token !== 'first') await new Promise<void>((resolve) => void answers.push(resolve));
      return { id: 'ann', expiresAt: token === 'long' ? Date.now() + 60_000 : Date.now() + 300 };
    },
  });
  const link = hub.open({ token: 'first' });
  await link.next('hello');
  link.attachment.received({ type: 'token', token: 'short' });
  link.attachment.received({ type: 'token', token: 'long' });
  await waitUntil('both questions', () => answers.length === 2);
  answers[1]?.();
  await new Promise((resolve) => setImmediate(resolve));
  answers[0]?.();
  const other = hub.open({ token: 'first', session: connectFrame().session });
  await waitUntil('the end of one that was not renewed', () => other.closedWith !== undefined);
  expect(link.closedWith).toBeUndefined();
});

test('a listener of links that throws is told of, and no link stays behind', async () => {
  await using hub = runCore({
    onLink() {
      throw new TypeError('the log is full');
    },
  });
  const link = hub.open(on(notes));
  await link.next('verdict');
  link.cut();
  expect(hub.core.stats()).toMatchObject({ links: {}, subscriptions: 0 });
  expect(hub.errors.length).toBeGreaterThan(0);
});

test('SUB-6: a link that ends while its channels are begun holds none of them', async () => {
  await using hub = runCore({ limits: { maxQueueBytes: 1_000, maxControlBytes: 500 } });
  const link = hub.open();
  await link.next('hello');
  link.stall();
  const unknown = Array.from({ length: 100 }, (_, index) => `nothing:${index}`);
  const channels = [...unknown, notes.name].map((channel) => ({
    channel,
    start: 'now' as const,
    version: 1,
  }));
  link.attachment.received({ type: 'subscribe', channels });
  expect(link.closedWith?.code).toBe('link/slow');
  await new Promise((resolve) => setImmediate(resolve));
  expect(hub.core.topics.find(notes.name)).toBeNull();
});

test('LIM-4: who is at the limit can still move a session to its next link', async () => {
  await using hub = runCore({ limits: { maxLinksPerIdentity: 1 } });
  const { session } = connectFrame();
  const first = hub.open({ ...on(notes), session, link: 1, token: 'user-ann' });
  await first.next('verdict');
  const second = hub.open({ ...on(notes), session, link: 2, token: 'user-ann' });
  await second.next('verdict');
  expect(first.closedWith?.code).toBe('link/replaced');
  await hub.publish(notes, 'a');
  await waitUntil('the event', () => textsOf(second).length === 1);
});

test('PUB-1: one call may publish more than may wait, when nothing waits', async () => {
  await using hub = runCore();
  const texts = Array.from({ length: 10_001 }, (_, index) => `${index}`);
  expect((await hub.publish(notes, ...texts)).offset).toBe(10_001);
});
