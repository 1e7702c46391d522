// The long form of the chaos test, by hand or by night:
//
//   node scripts/bootstrap.mjs run tests/soak/main.ts --seed 7 --minutes 3
//
// `--clients`, `--channels`, `--kills-per-minute`, `--no-page` change its size, `--engine memory` what
// a killed server forgets. Bounded by --minutes
// (at most 60) and a minute for healing. Exit code 1 when a promise broke; the seed repeats the run.

import { parseArgs } from 'node:util';
import { openChromium } from '../support/chromium.ts';
import { seedOfRun } from '../support/seeded-random.ts';
import { runChaos } from './chaos-run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '3' },
    clients: { type: 'string', default: '40' },
    channels: { type: 'string', default: '8' },
    'kills-per-minute': { type: 'string', default: '1' },
    engine: { type: 'string', default: 'pglite' },
    'no-page': { type: 'boolean', default: false },
  },
});

function number(
  name: 'minutes' | 'clients' | 'channels' | 'kills-per-minute',
  most: number,
): number {
  const value = Number(values[name]);
  if (value >= 0 && value <= most) return value;
  throw new Error(`--${name} must be a number from 0 to ${most}, got ${values[name]}`);
}

const minutes = number('minutes', 60);
const seed = values.seed === undefined ? seedOfRun('soak') : Number(values.seed);
if (!Number.isInteger(seed)) throw new Error(`--seed must be a whole number, got ${values.seed}`);

const { engine } = values;
if (engine !== 'memory' && engine !== 'pglite') throw new Error('--engine is memory or pglite');

const chromium = values['no-page'] ? undefined : await openChromium();
const report = await runChaos({
  seed,
  engine,
  durationMs: minutes * 60_000,
  clients: number('clients', 500),
  channels: number('channels', 100),
  publishEveryMs: 40,
  kills: Math.round(minutes * number('kills-per-minute', 10)),
  onProgress: (line) => console.log(line),
  ...(chromium === undefined ? {} : { chromium }),
});
await chromium?.close();
console.log(JSON.stringify({ ...report, problems: report.problems.slice(0, 50) }, null, 2));
process.exit(report.problems.length === 0 ? 0 : 1);
