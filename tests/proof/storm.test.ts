// Promise T7 in its short form: a crowd that is cut off at once, and a hub that leaves in order.
// `npm run soak -- --only storm` is the long form of the first.
import { memoryEngine } from '@millrace/server';
import { expect, test } from 'vitest';
import {
  numbers,
  recordNumbers,
  startMatrixHub,
  type Transcript,
  upTo,
} from '../matrix/matrix-hub.ts';
import { runStorm } from '../soak/storm.ts';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';

test('CLI-6: five hundred clients that are cut off at once, three times, are all back within 8 s and have missed nothing', async () => {
  const { problems, ...report } = await runStorm({
    clients: 500,
    rounds: 3,
    channelsEach: 5,
    publishEveryMs: 400,
    restMs: 500,
  });
  console.info(JSON.stringify(report));
  expect(problems.slice(0, 10)).toEqual([]);
  expectWithin(Math.max(...report.resumedMs), 8_000, 'resuming');
});

test('LINK-8: a hub that leaves spreads its links evenly over its grace, and none of them misses anything', async () => {
  const crowd = 240;
  const graceMs = 6_000;
  const engine = memoryEngine();
  const arrivals: number[] = [];
  const limits = { maxLinksPerAddress: 5_000 };
  await using leaving = await startMatrixHub({}, { engine, limits });
  await using staying = await startMatrixHub(
    {},
    { engine, limits, onLink: ({ step }) => step === 'opened' && arrivals.push(performance.now()) },
  );
  await using stack = new AsyncDisposableStack();
  const members: Transcript[] = Array.from({ length: crowd }, () =>
    stack.use(recordNumbers('drained', { url: leaving.url, transports: ['websocket', 'sse'] })),
  );
  await until(() => members.every(({ story }) => story.length > 0), {
    label: 'the crowd',
    deadlineMs: 40_000,
  });

  let n = 0;
  const publishing = setInterval(() => {
    n += 1;
    void staying.hub.publish(numbers.of({ name: 'drained' }), { type: 'counted', data: { n } });
  }, 40);
  // Whoever connects from now on finds the other one behind the same address.
  const { port } = new URL(staying.directUrl);
  leaving.proxy.setTarget({ host: '127.0.0.1', port: Number(port) });
  const beganAt = performance.now();
  await leaving.hub.close({ graceMs });
  await until(() => arrivals.length >= crowd, { label: 'all of them', deadlineMs: 30_000 });
  clearInterval(publishing);
  const told = n;
  await until(() => members.every(({ seen }) => seen.length >= told), {
    label: 'everything',
    deadlineMs: 30_000,
  });

  for (const { story, errors } of members) {
    expect(story.slice(0, told + 1)).toEqual(['exact', ...upTo(told)]);
    expect(errors).toEqual([]);
  }
  const times = arrivals.slice(0, crowd).map((at) => at - beganAt);
  const perSecond = crowd / (graceMs / 1_000);
  const busiest = Math.max(
    ...times.map((from) => times.filter((at) => at >= from && at < from + 1_000).length),
  );
  console.info(
    `${crowd} links over ${graceMs} ms: ${busiest} in the busiest second, ${perSecond} on average`,
  );
  expect(busiest).toBeLessThanOrEqual(perSecond * 1.5);
  expectWithin(Math.max(...times), graceMs + 1_500, 'the last farewell');
});
