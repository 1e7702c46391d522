// Promise T1 in its short form, once with a log that survives and once with one that does not; `npm run soak` is the
// long one.
import { expect, test } from 'vitest';
import { runChaos } from '../soak/chaos-run.ts';
import { openChromium } from '../support/chromium.ts';
import { seedOfRun } from '../support/seeded-random.ts';

test('EVT-1: through cuts, freezes, blocked carriers and a killed server every reader gets everything once, in order', async () => {
  await using chromium = await openChromium();
  const { problems, ...report } = await runChaos({
    seed: seedOfRun('chaos'),
    durationMs: 10_000,
    clients: 9,
    channels: 4,
    publishEveryMs: 50,
    kills: 1,
    chromium,
  });
  console.info(JSON.stringify(report));
  expect(problems).toEqual([]);
  expect(report.kills).toBe(1);
  expect(report.published).toBeGreaterThan(100);
  expect(report.delivered).toBeGreaterThan(report.published);
  expect(report.switches).toBeGreaterThan(0);
  expect(report.states).toBeGreaterThan(0);
  expect(report.snapshots).toBeGreaterThan(0);
});

test('SUB-4: where a killed server forgets, every reader is told before the next event, and nothing else is lost', async () => {
  const { problems, ...report } = await runChaos({
    seed: seedOfRun('chaos in memory'),
    engine: 'memory',
    durationMs: 8_000,
    clients: 12,
    channels: 4,
    publishEveryMs: 50,
    kills: 1,
  });
  console.info(JSON.stringify(report));
  expect(problems).toEqual([]);
  expect(report.gaps).toBeGreaterThan(0);
  expect(report.snapshotsForGaps).toBeGreaterThan(0);
});
