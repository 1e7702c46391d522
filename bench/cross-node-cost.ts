// What does it cost that the readers of a channel are on two nodes in place of one?
//
// Each node hears of an event once, however many read it there (redis-fan-out.test.ts counts it). So a delivery should
// cost the same wherever its reader is, but for that one message, and for a process that is there.

import { contestants } from './delivery/contestants.ts';
import { loadArguments } from './delivery/load-arguments.ts';
import { type DeliveryLine, linesOf, lossesOf, parseLoadLines } from './delivery/load-lines.ts';
import { serveNodes } from './delivery/nodes.ts';
import { checkPinning, runLoad, serverCore } from './delivery/serve.ts';
import { startRedisProcess } from './engines/redis-process.ts';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';
import { median } from './lib/statistics.ts';

const readers = 2_000;
const perSecond = 25;
const windowSeconds = 12;
/** At twice the pace: at 25 a second what a node does for a message, not for a reader, is compiled after minutes. */
const warmup = { perSecond: 50, seconds: 8 };
/** Of the load client and of Redis. */
const otherCore = '1';

interface Setup {
  readonly nodes: number;
  readonly isShared: boolean;
}

const alone: Setup = { nodes: 1, isShared: false };
const one: Setup = { nodes: 1, isShared: true };
const two: Setup = { nodes: 2, isShared: true };

export const crossNodeCost: Bench = {
  name: 'cross-node-cost',
  question: 'What does a delivery cost when the readers of a channel are on two nodes?',
  method: `${readers.toLocaleString('en-US')} WebSocket readers of one channel, ${perSecond} messages of 200 bytes a second, so ${(readers * perSecond).toLocaleString('en-US')} deliveries a second: one process with all of them, and two processes with ${(readers / 2).toLocaleString('en-US')} each, all on the Redis engine, each setup with a Redis of its own. Both setups run at the same time, so that what the machine does otherwise falls on both alike; then one process on Redis beside one on its memory engine. User and system time of all node processes, which share one core; Redis and the load clients in C have the other and are not counted. The publisher is in the node process, in the first one of two, and its own work is counted. Windows of ${windowSeconds} s, after ${warmup.seconds} s at ${warmup.perSecond} messages a second.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  checkPinning();
  const shared: Pair[] = [];
  const engines: Pair[] = [];
  for (let round = 0; round < runs; round += 1) {
    shared.push(await sideBySide(one, two));
    engines.push(await sideBySide(alone, one));
  }
  const all = [...shared, ...engines].flat();
  const figures: Figure[] = [
    {
      label: 'CPU for a delivery, two nodes ÷ one, both on Redis',
      unit: '×',
      values: shared.map(ratioOf),
      goal: { atMost: 1.1 },
    },
    {
      label: 'CPU for a delivery, one node on Redis ÷ one on its memory engine',
      unit: '×',
      values: engines.map(ratioOf),
    },
    {
      label: 'gaps, duplicates, reorderings, closed connections',
      unit: '',
      values: [all.reduce((sum, { losses }) => sum + losses, 0)],
      goal: { atMost: 0 },
    },
  ];
  const costs = (which: 0 | 1): string =>
    median(shared.map((pair) => cpuUsEach(pair[which]))).toFixed(2);
  return {
    figures,
    notes: [
      `A delivery cost ${costs(0)} µs on one node and ${costs(1)} µs on two, medians, while both were at work.`,
    ],
  };
}

interface Measured {
  readonly line: DeliveryLine;
  readonly losses: number;
}

type Pair = readonly [Measured, Measured];

function ratioOf([first, second]: Pair): number {
  return cpuUsEach(second) / cpuUsEach(first);
}

function cpuUsEach({ line: { serverCpuS, deliveries } }: Measured): number {
  return (serverCpuS / deliveries) * 1e6;
}

function sideBySide(first: Setup, second: Setup): Promise<Pair> {
  return Promise.all([measure(first), measure(second)]);
}

async function measure({ nodes: count, isShared }: Setup): Promise<Measured> {
  await using redis = await startRedisProcess(otherCore);
  const engine = isShared ? { engine: `redis:${redis.port}` } : {};
  await using nodes = await serveNodes({ count, cores: serverCore, ...engine });
  const load = {
    connections: readers,
    phases: [`rate:${warmup.perSecond}:${warmup.seconds}`, `rate:${perSecond}:${windowSeconds}`],
  };
  const args = loadArguments(contestants['millrace-ws'].speech(1), load, nodes.target);
  const lines = parseLoadLines(await runLoad(args));
  const [, line] = linesOf(lines, 'rate');
  const expected = readers * perSecond * windowSeconds;
  if (line === undefined || line.deliveries < expected * 0.9) {
    throw new Error(`${line?.deliveries ?? 0} of ${expected} deliveries on ${count} nodes`);
  }
  return { line, losses: lossesOf(lines) };
}
