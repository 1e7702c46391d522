// Sessions that change their carrier again and again, and links that only seem to work: nothing is lost or doubled.

import type { Carrier, PageChange } from '@millrace/client';
import { expect, test } from 'vitest';
import type { Rules } from '../support/proxy/rules.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { numbers, recordNumbers, startMatrixHub, upTo } from './matrix-hub.ts';

const SEED = Number(process.env['MATRIX_SEED'] ?? 1);
const seeds = [SEED, SEED + 1, SEED + 2];

/** A clock that runs faster: minutes of the upgrade schedule pass in a second. */
function fasterClock(times: number) {
  const startedAt = Date.now();
  return {
    now: () => Math.round(startedAt + (Date.now() - startedAt) * times),
    setTimer(callback: () => void, ms: number) {
      const timer = setTimeout(callback, ms / times);
      return () => clearTimeout(timer);
    },
  };
}

test.each(seeds)('CLI-5: carriers come and go under a stream of events (seed %i)', async (seed) => {
  await using server = await startMatrixHub();
  const random = createSeededRandom(seed);
  const channel = numbers.of({ name: 'mixed' });
  await using reader = recordNumbers('mixed', { url: server.url, environment: fasterClock(20) });
  const used = new Set<Carrier>();
  let moves = 0;
  reader.client.status.subscribe(() => {
    const status = reader.client.status.getSnapshot();
    if (status.status !== 'open') return;
    moves += 1;
    used.add(status.transport);
  });
  const networks: readonly Rules[] = [
    {},
    { websocket: { mode: 'refuse' } },
    { websocket: { mode: 'upgrade-then-swallow' } },
    { websocket: { mode: 'close-after-frames', frames: 3 } },
    { websocket: { mode: 'refuse' }, stream: { mode: 'refuse' } },
    { websocket: { mode: 'refuse' }, stream: { mode: 'buffer-bytes', bytes: 2_048 } },
    { stream: { mode: 'truncate', frame: 3 }, websocket: { mode: 'truncate', frame: 3 } },
  ];
  let n = 0;
  const endsAt = performance.now() + 5_000;
  while (performance.now() < endsAt) {
    for (let burst = random.between(1, 20); burst > 0; burst -= 1) {
      n += 1;
      await server.hub.publish(channel, { type: 'counted', data: { n } });
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (random.next() < 0.05) {
      server.proxy.setRules(random.pick(networks));
      if (random.next() < 0.7) server.proxy.cutAll({ how: random.pick(['rst', 'fin']) });
    }
  }
  server.proxy.setRules({});
  await until(() => reader.seen.length >= n, { label: `${n} events`, deadlineMs: 30_000 });
  expect(reader.story).toEqual(['exact', ...upTo(n)]);
  expect(reader.errors).toEqual([]);
  expect([moves >= 3, used.size >= 2]).toEqual([true, true]);
});

test.each(['websocket', 'sse', 'poll'] as const)(
  'CLI-10: a half-open %s is replaced within 2.5 s once the page is seen again',
  async (carrier) => {
    await using server = await startMatrixHub();
    let tell: (change: PageChange) => void = () => undefined;
    let aheadMs = 0;
    await using reader = recordNumbers('woken', {
      url: server.url,
      transports: [carrier],
      environment: {
        now: () => Date.now() + aheadMs,
        watchPage(listener) {
          tell = listener;
          return () => undefined;
        },
      },
    });
    await until(() => reader.story.length > 0, { label: 'open' });
    server.proxy.freeze('all');
    await server.hub.publish(numbers.of({ name: 'woken' }), { type: 'counted', data: { n: 1 } });
    // Nobody looks for a while: the link's own deadline is far away, and silence is normal.
    aheadMs = 3_000;
    const wokenAt = performance.now();
    tell('wake');
    await until(() => reader.seen.length === 1, { label: 'the event' });
    const tookMs = performance.now() - wokenAt;
    expect(reader.story).toEqual(['exact', 1]);
    expectWithin(tookMs, 2_500, 'the event after the wake');
  },
);

test('CLI-12: a tab without a place among the streams polls without holding, and gets everything', async () => {
  await using server = await startMatrixHub({ websocket: { mode: 'refuse' } });
  const channel = numbers.of({ name: 'crowded' });
  await using reader = recordNumbers('crowded', {
    url: server.url,
    environment: { acquireSlot: () => Promise.resolve(null) },
  });
  await until(() => reader.story.length > 0, { label: 'open' });
  expect(reader.client.status.getSnapshot()).toMatchObject({
    transport: 'poll',
    isRealtime: false,
  });
  await server.hub.publish(channel, { type: 'counted', data: { n: 1 } });
  await until(() => reader.seen.length === 1, { label: 'the event' });
  const polls = server.proxy.log.filter(
    (event) => event.type === 'request' && event.class === 'poll',
  );
  const answers = server.proxy.log.filter(
    (event) => event.type === 'response' && event.class === 'poll',
  );
  // None is under way: an answer never waits for news.
  expect(polls.length - answers.length).toBeLessThanOrEqual(1);
  expect(server.proxy.connections().filter(({ class: kind }) => kind === 'stream')).toEqual([]);
});

test('CLI-9: a stream that a proxy begins to hold back is left, and people are told why', async () => {
  await using server = await startMatrixHub({ websocket: { mode: 'refuse' } });
  await using reader = recordNumbers('held', { url: server.url, beatMs: 1_000 });
  const transport = () => {
    const status = reader.client.status.getSnapshot();
    return status.status === 'open' ? status.transport : null;
  };
  await until(() => transport() === 'sse', { label: 'sse' });
  // Three or four beats gather before any passes.
  server.proxy.impose('stream', { mode: 'buffer-bytes', bytes: 120 });
  server.proxy.setRules({ websocket: { mode: 'refuse' }, stream: { mode: 'buffer' } });
  const heldAt = performance.now();
  await until(() => transport() === 'poll', { label: 'the change', deadlineMs: 30_000 });
  const changedMs = performance.now() - heldAt;
  expect(reader.client.status.getSnapshot()).toMatchObject({
    notice: 'A proxy holds back the stream; polling instead',
  });
  await server.hub.publish(numbers.of({ name: 'held' }), { type: 'counted', data: { n: 1 } });
  await until(() => reader.seen.length === 1, { label: 'the event' });
  expect(reader.story).toEqual(['exact', 1]);
  expectWithin(changedMs, 12_000, 'the change');
});
