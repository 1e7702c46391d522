// The test bed by hand or by night:
//
//   npm run chaos -- --seed 7 --minutes 3                      one run
//   npm run chaos -- --seeds 20 --minutes 3 --report out/t1    several, and out/t1.json and out/t1.md
//
// The seed draws engine, nodes and carriers; `--engine`, `--nodes`, `--carriers` set them. `--clients`, `--channels`,
// `--per-second`, `--publishers`, `--members` and `--kill-every-seconds` change the size. `--records FILE` keeps what the
// readers with a problem were told, a JSON line each. Exit code 1 when a promise broke; the seed repeats the run.

import { appendFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { writeReport } from '../soak/report.ts';
import { seedOfRun } from '../support/seeded-random.ts';
import { type Carriers, type Draw, drawRun } from './draw.ts';
import type { EngineKind } from './engines/tested-engine.ts';
import { runCluster } from './run.ts';
import { tableOf } from './table.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '3' },
    engine: { type: 'string' },
    nodes: { type: 'string' },
    carriers: { type: 'string' },
    clients: { type: 'string', default: '200' },
    channels: { type: 'string', default: '50' },
    'per-second': { type: 'string', default: '200' },
    publishers: { type: 'string', default: '16' },
    members: { type: 'string', default: '8' },
    'kill-every-seconds': { type: 'string', default: '60' },
    report: { type: 'string' },
    records: { type: 'string' },
  },
});

const engines: readonly EngineKind[] = [
  'memory',
  'pglite',
  'postgres',
  'redis',
  'sentinel',
  'cluster',
];
const carriers: readonly Carriers[] = ['websocket', 'sse', 'poll', 'mixed'];

function number(text: string, what: string, most: number): number {
  const value = Number(text);
  if (value >= 0 && value <= most) return value;
  throw new Error(`--${what} must be a number from 0 to ${most}, got ${text}`);
}

function oneOf<Item extends string>(
  items: readonly Item[],
  text: string | undefined,
  what: string,
): Item | undefined {
  if (text === undefined) return undefined;
  const found = items.find((item) => item === text);
  if (found === undefined) throw new Error(`--${what} is one of ${items.join(', ')}`);
  return found;
}

const first = values.seed === undefined ? seedOfRun('chaos') : Number(values.seed);
if (!Number.isInteger(first)) throw new Error(`--seed must be a whole number, got ${values.seed}`);
const engine = oneOf(engines, values.engine, 'engine');
const carrier = oneOf(carriers, values.carriers, 'carriers');
const given: Partial<Draw> = {
  ...(engine === undefined ? {} : { engine }),
  ...(carrier === undefined ? {} : { carriers: carrier }),
  ...(values.nodes === undefined ? {} : { nodes: number(values.nodes, 'nodes', 5) }),
};

const results = [];
for (let run = 0; run < number(values.seeds, 'seeds', 1_000); run += 1) {
  const seed = (first + run) >>> 0;
  const result = await runCluster({
    seed,
    ...drawRun(seed, given),
    durationMs: number(values.minutes, 'minutes', 60) * 60_000,
    clients: number(values.clients, 'clients', 5_000),
    channels: number(values.channels, 'channels', 500),
    perSecond: number(values['per-second'], 'per-second', 10_000),
    publishers: number(values.publishers, 'publishers', 100),
    members: number(values.members, 'members', 1_000),
    killEveryMs: number(values['kill-every-seconds'], 'kill-every-seconds', 3_600) * 1_000,
    say: (line) => console.log(line),
    onBroken(what, entries) {
      if (values.records === undefined) return;
      const lines = entries.map((entry) => JSON.stringify({ seed, what, entry }));
      appendFileSync(values.records, `${lines.join('\n')}\n`);
    },
  });
  console.log(JSON.stringify({ ...result, problems: result.problems.slice(0, 50) }, null, 2));
  results.push(result);
  // After each: what has run is kept when a later run is broken off.
  if (values.report !== undefined) {
    await writeReport(
      values.report,
      'chaos',
      results.map((one) => ({ ...one })),
    );
    writeFileSync(`${values.report}.md`, tableOf(results));
  }
}
process.exit(results.every(({ problems }) => problems.length === 0) ? 0 : 1);
