// Client × hub when many come back at once: after a cut, against a hub that takes only so many a second, and when a hub
// closes. Everybody resumes where it was, in time, and nobody loses an event.

import { memoryEngine } from '@millrace/server';
import { expect, test } from 'vitest';
import { until } from '../support/wait.ts';
import {
  type MatrixHub,
  numbers,
  recordNumbers,
  startMatrixHub,
  type Transcript,
  upTo,
} from './matrix-hub.ts';

const NAME = 'storm';

/** Publishes one event after the other until it is stopped. */
function publishAlong({ hub }: MatrixHub): AsyncDisposable & { stop(): Promise<number> } {
  let isRunning = true;
  let n = 0;
  const running = (async () => {
    while (isRunning) {
      n += 1;
      await hub.publish(numbers.of({ name: NAME }), { type: 'counted', data: { n } });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  async function stop(): Promise<number> {
    isRunning = false;
    await running;
    return n;
  }
  return {
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}

async function openMany(count: number, { url }: MatrixHub): Promise<Transcript[]> {
  const readers = Array.from({ length: count }, () =>
    recordNumbers(NAME, { url, transports: ['websocket'] }),
  );
  const areOpen = (): boolean => readers.every(({ story }) => story.length > 0);
  await until(areOpen, { label: 'all links', deadlineMs: 30_000 });
  return readers;
}

async function expectComplete(readers: readonly Transcript[], last: number): Promise<void> {
  const haveAll = (): boolean => readers.every(({ seen }) => seen.length >= last);
  await until(haveAll, { label: 'everything everywhere', deadlineMs: 20_000 });
  for (const { story, errors } of readers) {
    expect(story).toEqual(['exact', ...upTo(last)]);
    expect(errors).toEqual([]);
  }
}

async function closeAll(readers: readonly Transcript[]): Promise<void> {
  await Promise.all(readers.map(({ client }) => client.close()));
}

test('CLI-6: three hundred who are cut at once, three times, have all resumed within 8 s and lost nothing', async () => {
  await using server = await startMatrixHub();
  const readers = await openMany(300, server);
  await using publishing = publishAlong(server);
  for (let cuts = 0; cuts < 3; cuts += 1) {
    server.proxy.cutAll({ how: 'rst' });
    const cutAt = performance.now();
    const isOpen = ({ client }: Transcript): boolean =>
      client.status.getSnapshot().status === 'open';
    await until(() => !readers.every(isOpen), { label: 'the cut' });
    await until(() => readers.every(isOpen), { label: 'all links again', deadlineMs: 20_000 });
    expect(performance.now() - cutAt).toBeLessThan(8_000);
  }
  await expectComplete(readers, await publishing.stop());
  expect(server.hub.stats().pressure.notAdmitted).toBe(0);
  await closeAll(readers);
});

test('LIM-7: where only so many a second are let in, those who are refused come back spread, and lose nothing', async () => {
  await using server = await startMatrixHub({}, { limits: { maxConnectsPerSecond: 50 } });
  // 100 of them are the burst.
  const readers = await openMany(150, server);
  await using publishing = publishAlong(server);
  server.proxy.cutAll({ how: 'rst' });
  await until(() => server.hub.stats().pressure.notAdmitted > 50, { label: 'refusals' });
  const areOpen = (): boolean =>
    readers.every(({ client }) => client.status.getSnapshot().status === 'open');
  await until(areOpen, { label: 'all links again', deadlineMs: 30_000 });
  await expectComplete(readers, await publishing.stop());
  expect(server.hub.stats().refused).toEqual({
    'server/overloaded': server.hub.stats().pressure.notAdmitted,
  });
  await closeAll(readers);
});

test('LINK-8: a hub that closes sends each to another one in its own slot, never in a bunch, and nobody loses anything', async () => {
  const engine = memoryEngine();
  const graceMs = 3_000;
  const openedAt: number[] = [];
  const leaving = await startMatrixHub({}, { engine });
  await using staying = await startMatrixHub(
    {},
    {
      engine,
      onLink: ({ step }) => {
        if (step === 'opened') openedAt.push(performance.now());
      },
    },
  );
  const count = 100;
  const readers = await openMany(count, leaving);
  await using publishing = publishAlong(staying);
  leaving.proxy.setTarget({ host: '127.0.0.1', port: Number(new URL(staying.directUrl).port) });
  const startedAt = performance.now();
  await leaving.hub.close({ graceMs });
  await until(() => openedAt.length >= count, { label: 'all of them at the other one' });
  const last = await publishing.stop();
  await expectComplete(readers, last);
  const windowMs = 1_000;
  const perWindow = Map.groupBy(openedAt, (at) => Math.floor((at - startedAt) / windowMs));
  const average = count / (graceMs / windowMs);
  for (const opened of perWindow.values()) {
    expect(opened.length).toBeLessThanOrEqual(average * 1.5);
  }
  await closeAll(readers);
  await leaving[Symbol.asyncDispose]();
  await engine.close();
});
