// The long forms of the delivery promises' tests, by hand or by night:
//
//   npm run soak -- --seed 7 --minutes 3                      chaos, one run
//   npm run soak -- --seeds 20 --minutes 3 --report out/t1    several, and out/t1.json and out/t1.md
//   npm run soak -- --only switches|slow|churn|storm|fuzz|sse|presence|answers
//
// Chaos: `--clients`, `--channels`, `--kills-per-minute`, `--publish-every-ms` and `--no-page` change its size;
// `--engine memory` is what a killed server forgets, `--engine drawn` lets each seed choose. Presence: three nodes on
// `--engine redis` or `postgres`, else as the seed says; storm and slow: on these, else one node in memory. Bounded by
// --minutes (at most 60) and a minute for healing. Answers: three nodes as for presence, a minute for each seed. Exit
// code 1 when a promise broke; the seed repeats the run.

import { parseArgs } from 'node:util';
import { seedOfRun } from '../support/seeded-random.ts';
import { programs, SOAK_ENGINES } from './programs.ts';
import { writeReport } from './report.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'chaos' },
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '3' },
    clients: { type: 'string', default: '40' },
    channels: { type: 'string', default: '8' },
    'kills-per-minute': { type: 'string', default: '1' },
    'publish-every-ms': { type: 'string', default: '40' },
    engine: { type: 'string', default: 'pglite' },
    'no-page': { type: 'boolean', default: false },
    report: { type: 'string' },
  },
});

type NumberName =
  | 'minutes'
  | 'clients'
  | 'channels'
  | 'kills-per-minute'
  | 'publish-every-ms'
  | 'seeds';

function number(name: NumberName, most: number): number {
  const value = Number(values[name]);
  if (value >= 0 && value <= most) return value;
  throw new Error(`--${name} must be a number from 0 to ${most}, got ${values[name]}`);
}

const first = values.seed === undefined ? seedOfRun('soak') : Number(values.seed);
if (!Number.isInteger(first)) throw new Error(`--seed must be a whole number, got ${values.seed}`);
const { engine, only } = values;
const soakEngine = SOAK_ENGINES.find((name) => name === engine);
if (soakEngine === undefined) throw new Error(`--engine is one of ${SOAK_ENGINES.join(', ')}`);
const program = Object.hasOwn(programs, only) ? programs[only] : undefined;
if (program === undefined) throw new Error(`--only is one of ${Object.keys(programs).join(', ')}`);

const results = [];
for (let run = 0; run < number('seeds', 1_000); run += 1) {
  const seed = (first + run) >>> 0;
  const result = await program({
    seed,
    engine: soakEngine,
    minutes: number('minutes', 60),
    clients: number('clients', 5_000),
    channels: number('channels', 100),
    killsPerMinute: number('kills-per-minute', 10),
    publishEveryMs: number('publish-every-ms', 10_000),
    hasPage: !values['no-page'],
    say: (line) => console.log(line),
  });
  console.log(JSON.stringify({ ...result, problems: result.problems.slice(0, 50) }, null, 2));
  results.push(result);
  // After each: what has run is kept when a later run is broken off.
  if (values.report !== undefined) await writeReport(values.report, only, results);
}
process.exit(results.every(({ problems }) => problems.length === 0) ? 0 : 1);
