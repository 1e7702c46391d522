// Promise T4 in its short form; `npm run soak -- --only switches` is the long one.
import { expect, test } from 'vitest';
import { runSwitches } from '../soak/switches.ts';
import { seedOfRun } from '../support/seeded-random.ts';

test('CLI-5: hundreds of forced changes of the carrier under load lose and double nothing', async () => {
  const { problems, ...report } = await runSwitches({
    seed: seedOfRun('switches'),
    switches: 300,
    clients: 12,
    eventsPerSecond: 500,
  });
  console.info(JSON.stringify(report));
  expect(problems).toEqual([]);
  // A draw: some ten on a quiet machine, four on one that was three times slower.
  expect(report.migrations).toBeGreaterThan(2);
});
