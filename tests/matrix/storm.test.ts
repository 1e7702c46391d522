// Client × hub when many come back at once to a hub that takes only so many a second. Everybody resumes where it was, in
// time, and nobody loses an event. Storms without such a limit: tests/proof/storm.test.ts.

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

/** One every `everyMs`, which is as fast as they are let in: who was refused at first would come back spread already. */
async function openMany(count: number, { url }: MatrixHub, everyMs: number): Promise<Transcript[]> {
  const readers: Transcript[] = [];
  for (let n = 0; n < count; n += 1) {
    readers.push(recordNumbers(NAME, { url, transports: ['websocket'] }));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  const areOpen = (): boolean => readers.every(({ story }) => story.length > 0);
  await until(areOpen, { label: 'all links', deadlineMs: 60_000 });
  return readers;
}

async function expectComplete(readers: readonly Transcript[], last: number): Promise<void> {
  const haveAll = (): boolean => readers.every(({ seen }) => seen.length >= last);
  await until(haveAll, { label: 'everything everywhere', deadlineMs: 40_000 });
  for (const { story, errors } of readers) {
    expect(story).toEqual(['exact', ...upTo(last)]);
    expect(errors).toEqual([]);
  }
}

async function closeAll(readers: readonly Transcript[]): Promise<void> {
  await Promise.all(readers.map(({ client }) => client.close()));
}

test('LIM-7: where only so many a second are let in, those who are refused come back spread, and lose nothing', async () => {
  // So few that most are refused on a busy machine too, whose clients come slowly; 20 of them are the burst.
  await using server = await startMatrixHub({}, { limits: { maxConnectsPerSecond: 10 } });
  const readers = await openMany(60, server, 100);
  expect(server.hub.stats().pressure.notAdmitted).toBe(0);
  await using publishing = publishAlong(server);
  server.proxy.cutAll({ how: 'rst' });
  await until(() => server.hub.stats().pressure.notAdmitted > 10, { label: 'refusals' });
  const areOpen = (): boolean =>
    readers.every(({ client }) => client.status.getSnapshot().status === 'open');
  await until(areOpen, { label: 'all links again', deadlineMs: 60_000 });
  await expectComplete(readers, await publishing.stop());
  expect(server.hub.stats().refused).toEqual({
    'server/overloaded': server.hub.stats().pressure.notAdmitted,
  });
  await closeAll(readers);
});
