// Promise T5: how long a dead link goes unnoticed. An idle page's 30 s pass on a clock that runs faster; signs of life
// from the page are told by the client's surroundings. mid-life.test.ts does the same in a browser.
import type { Carrier, Environment, PageChange } from '@millrace/client';
import { describe, expect, test } from 'vitest';
import { numbers, recordNumbers, startMatrixHub } from '../matrix/matrix-hub.ts';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';

const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];
/** More, and a timer that a busy machine runs late looks like a page that slept. */
const FASTER = 4;

/** Its time is faster than ours, counted from when it is made. */
function fastClock(): Pick<Environment, 'now' | 'setTimer'> {
  const startedAt = Date.now();
  return {
    now: () => Math.round(startedAt + (Date.now() - startedAt) * FASTER),
    setTimer(callback, ms) {
      const timer = setTimeout(callback, ms / FASTER);
      return () => clearTimeout(timer);
    },
  };
}

describe.concurrent.each(carriers)('over %s', (carrier) => {
  test('LINK-6: an idle page notices a half-open link within 30 s, and resumes', async () => {
    await using server = await startMatrixHub();
    const clock = fastClock();
    await using reader = recordNumbers('idle', {
      url: server.url,
      transports: [carrier],
      environment: clock,
    });
    const { status } = reader.client;
    await until(() => reader.story.length > 0, { label: 'the link' });
    server.proxy.freeze('all');
    const frozenAt = clock.now();
    await until(() => status.getSnapshot().status !== 'open', {
      label: 'the loss',
      deadlineMs: 30_000,
    });
    const noticedMs = clock.now() - frozenAt;
    console.info(`${carrier}: noticed after ${noticedMs} ms of the page's time`);
    await server.hub.publish(numbers.of({ name: 'idle' }), { type: 'counted', data: { n: 1 } });
    await until(() => reader.seen.length === 1, { label: 'the event' });
    expect(reader.story).toEqual(['exact', 1]);
    expectWithin(noticedMs, 30_000, 'noticing the loss');
  });

  test.each<PageChange>(['wake', 'online'])(
    'CLI-10: after "%s" a half-open link is replaced and resumed within 2.5 s',
    async (change) => {
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
      await until(() => reader.story.length > 0, { label: 'the link' });
      server.proxy.freeze('all');
      await server.hub.publish(numbers.of({ name: 'woken' }), { type: 'counted', data: { n: 1 } });
      if (change === 'online') tell('offline');
      else tell('hidden');
      aheadMs = 10_000;
      const wokenAt = performance.now();
      tell(change);
      await until(() => reader.seen.length === 1, { label: 'the event' });
      const tookMs = performance.now() - wokenAt;
      expect(reader.story).toEqual(['exact', 1]);
      expectWithin(tookMs, 2_500, `the event after "${change}"`);
    },
  );

  test('LINK-6: a timer that fires a moment early does not end the watch over the link', async () => {
    await using server = await startMatrixHub();
    await using reader = recordNumbers('early', {
      url: server.url,
      transports: [carrier],
      beatMs: 1_000,
      environment: {
        setTimer(callback, ms) {
          const timer = setTimeout(callback, ms > 20 ? ms - 5 : ms);
          return () => clearTimeout(timer);
        },
      },
    });
    await until(() => reader.story.length > 0, { label: 'the link' });
    server.proxy.freeze('all');
    await server.hub.publish(numbers.of({ name: 'early' }), { type: 'counted', data: { n: 1 } });
    await until(() => reader.seen.length === 1, { label: 'the event' });
    expect(reader.story).toEqual(['exact', 1]);
  });
});
