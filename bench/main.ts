// Runs benches one after the other, prints what they found beside what was to be reached, and keeps
// it in bench/results/ and docs/benchmarks.md.
//
//   npm run bench                                 all of them, in their short form
//   npm run bench -- delivery                     those of the delivery path, beside its peers
//   npm run bench -- nodes                        those of the engines that several nodes share
//   npm run bench -- busy-page --minutes 10       one, in another length
//   npm run bench -- idle-page --runs 1 --dry     prints only
//   npm run bench -- --docs                       only writes the document from the kept results
//
// A missed goal is a finding, not a failure: the exit code tells whether the measuring went well.

import { parseArgs } from 'node:util';
import { aiRunsBench } from './ai-runs.ts';
import { answerPageBench } from './answer-page.ts';
import { bundleSize } from './bundle-size.ts';
import { busyPage } from './busy-page.ts';
import { connectRate } from './connect-rate.ts';
import { crossNodeCost } from './cross-node-cost.ts';
import { crossNodeLatency } from './cross-node-latency.ts';
import { engineAppends } from './engine-appends.ts';
import { fanOut } from './fan-out.ts';
import { firstAnswer } from './first-answer.ts';
import { firstMessage } from './first-message.ts';
import { fixedLoad } from './fixed-load.ts';
import { idleMemory } from './idle-memory.ts';
import { idlePage } from './idle-page.ts';
import type { Bench, BenchOptions } from './lib/bench.ts';
import { updateDocument } from './lib/docs.ts';
import { describeMachine, loadNow } from './lib/machine.ts';
import { figureText, goalText, rangeText, verdictText } from './lib/report.ts';
import { commandOf, resultName, saveResult } from './lib/results.ts';
import { manyChannels } from './many-channels.ts';
import { nodeHints } from './node-hints.ts';
import { outbox } from './outbox.ts';
import { pollWave } from './poll-wave.ts';
import { presence } from './presence.ts';
import { publishToScreen } from './publish-to-screen.ts';
import { redisEngineBench } from './redis-engine.ts';
import { resumeStorm } from './resume-storm.ts';
import { startUp } from './start-up.ts';
import { streamingVersusPolling } from './streaming-versus-polling.ts';
import { tokenStreams } from './token-streams.ts';

/** Of the path from publish to socket: Linux and a C compiler, no browser. */
const delivery: readonly Bench[] = [
  fanOut,
  fixedLoad,
  idleMemory,
  connectRate,
  manyChannels,
  tokenStreams,
  pollWave,
  resumeStorm,
];

/** Of several nodes and their engines: Linux, PostgreSQL 15 and Redis (`npm run unit` installs them), a C compiler. */
const nodes: readonly Bench[] = [
  engineAppends,
  nodeHints,
  redisEngineBench,
  crossNodeLatency,
  crossNodeCost,
];

const benches: readonly Bench[] = [
  ...delivery,
  ...nodes,
  presence,
  publishToScreen,
  idlePage,
  busyPage,
  answerPageBench,
  streamingVersusPolling,
  firstMessage,
  outbox,
  aiRunsBench,
  firstAnswer,
  bundleSize,
  startUp,
];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      runs: { type: 'string' },
      minutes: { type: 'string' },
      dry: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  if (values.docs) return updateDocument();
  const options: BenchOptions = {
    ...(values.runs === undefined ? {} : { runs: whole('runs', values.runs, 50) }),
    ...(values.minutes === undefined ? {} : { minutes: whole('minutes', values.minutes, 60) }),
  };
  for (const bench of chosen(positionals)) await runOne(bench, options, values.dry);
  if (!values.dry) updateDocument();
}

function chosen(names: readonly string[]): readonly Bench[] {
  const known = benches.map(({ name }) => name).join(', ');
  return names.length === 0
    ? benches
    : names.flatMap((name) => {
        if (name === 'delivery') return delivery;
        if (name === 'nodes') return nodes;
        const found = benches.find((bench) => bench.name === name);
        if (found === undefined) {
          throw new Error(
            `no bench is called ${name}: there are delivery and nodes (groups), ${known}`,
          );
        }
        return [found];
      });
}

function whole(name: string, text: string, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Error(`--${name} must be a whole number from 1 to ${most}, got ${text}`);
}

async function runOne(bench: Bench, options: BenchOptions, isDry: boolean): Promise<void> {
  const { name, question, method } = bench;
  console.log(`\n${name}: ${question}`);
  const startedAt = new Date();
  const before = loadNow();
  const findings = await bench.run(options);
  for (const figure of findings.figures) {
    const rest = [goalText(figure), verdictText(figure)].filter((text) => text !== '').join(', ');
    console.log(`  ${figure.label}: ${figureText(figure)}${rest === '' ? '' : `   [${rest}]`}`);
  }
  for (const { title, unit, rows } of findings.comparisons ?? []) {
    console.log(`  ${title}, ${unit}`);
    for (const { label, values } of rows) console.log(`    ${label}: ${rangeText(values)}`);
  }
  for (const note of findings.notes ?? []) console.log(`  ${note}`);
  if (isDry) return;
  saveResult(resultName(bench, options), {
    bench: name,
    command: commandOf(bench, options),
    question,
    method,
    startedAt: startedAt.toISOString(),
    tookSeconds: Math.round((Date.now() - startedAt.getTime()) / 1_000),
    load: { before, after: loadNow() },
    machine: describeMachine(),
    ...findings,
  });
}

// Servers and browsers are ended by an exit, not by a signal.
process.once('SIGTERM', () => process.exit(143));
await main();
// Chromium and servers are closed by now; what libraries leave behind must not keep the command alive.
process.exit();
