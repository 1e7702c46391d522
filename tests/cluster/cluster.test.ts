// The test bed in its short form: three nodes on Redis and on PostgreSQL through every kind of trouble; `npm run chaos` is
// the long one.
import { expect, test } from 'vitest';
import { seedOfRun } from '../support/seeded-random.ts';
import { runCluster } from './run.ts';

test.concurrent.each(['redis', 'postgres'] as const)(
  'EVT-1, LOG-15, LOG-16, PRES-7: on three nodes with %s every reader gets everything once, in one order, or is told',
  async (engine) => {
    const { problems, ...report } = await runCluster({
      seed: seedOfRun(`chaos on ${engine}`),
      engine,
      nodes: 3,
      carriers: 'mixed',
      durationMs: 12_000,
      clients: 12,
      channels: 8,
      perSecond: 60,
      publishers: 8,
      members: 4,
      killEveryMs: 5_000,
    });
    console.info(JSON.stringify(report));
    expect(problems).toEqual([]);
    expect(report.faults['kill -9 of a node']).toBeGreaterThan(0);
    expect(report.published).toBeGreaterThan(100);
    expect(report.delivered).toBeGreaterThan(report.published);
    expect(report.states).toBeGreaterThan(0);
  },
);
