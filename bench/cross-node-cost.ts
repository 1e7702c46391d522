// What does it cost that the readers of a channel are on two nodes in place of one?
//
// Each node hears of an event once, however many read it there. So a delivery should cost the same wherever its reader
// is, but for the one message.

import { contestants } from './delivery/contestants.ts';
import { loadArguments } from './delivery/load-arguments.ts';
import { type DeliveryLine, linesOf, lossesOf, parseLoadLines } from './delivery/load-lines.ts';
import { serveNodes } from './delivery/nodes.ts';
import { checkPinning, runLoad, serverCore } from './delivery/serve.ts';
import { startRedisProcess } from './engines/redis-process.ts';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';

const readers = 2_000;
const perSecond = 25;
const windowSeconds = 10;
/** Two processes have twice as much to compile. */
const warmupSeconds = 4;
/** Of the load client and of Redis. */
const otherCore = '1';

const setups = {
  'one node, memory engine': { count: 1, isShared: false },
  'one node on Redis': { count: 1, isShared: true },
  'two nodes on Redis': { count: 2, isShared: true },
} as const;
type Setup = keyof typeof setups;
const names: readonly Setup[] = [
  'one node, memory engine',
  'one node on Redis',
  'two nodes on Redis',
];

export const crossNodeCost: Bench = {
  name: 'cross-node-cost',
  question: 'What does a delivery cost when the readers of a channel are on two nodes?',
  method: `${readers.toLocaleString('en-US')} WebSocket readers of one channel, ${perSecond} messages of 200 bytes a second, so ${(readers * perSecond).toLocaleString('en-US')} deliveries a second, windows of ${windowSeconds} s after ${warmupSeconds} s: one process with all readers on its memory engine, one on the Redis engine, two on it with ${(readers / 2).toLocaleString('en-US')} each, one after the other in each round, in turn forwards and backwards. User and system time of all node processes, which share one core; Redis and the load client in C have the other and are not counted. The publisher is in the node process, in the first one of two.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  checkPinning();
  const lines = new Map<Setup, DeliveryLine[]>(names.map((name) => [name, []]));
  let losses = 0;
  for (let round = 0; round < runs; round += 1) {
    // In turn forwards and backwards: what the machine does meanwhile changes slowly.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const measured = await measure(name);
      losses += measured.losses;
      lines.get(name)?.push(measured.line);
    }
  }
  const costs = (name: Setup): number[] => (lines.get(name) ?? []).map(cpuUsEach);
  const ratio = (of: Setup, to: Setup): number[] =>
    costs(of).map((cost, round) => cost / (costs(to)[round] ?? Number.NaN));
  const others = [...lines.values()].flat().map(({ otherCpu }) => otherCpu);
  const figures: Figure[] = [
    {
      label: 'CPU for a delivery, two nodes ÷ one, both on Redis',
      unit: '×',
      values: ratio('two nodes on Redis', 'one node on Redis'),
      goal: { atMost: 1.1 },
    },
    {
      label: 'CPU for a delivery, one node on Redis ÷ on its memory engine',
      unit: '×',
      values: ratio('one node on Redis', 'one node, memory engine'),
    },
    ...names.map((name) => ({
      label: `CPU for a delivery, ${name}`,
      unit: 'µs',
      values: costs(name),
    })),
    {
      label: 'gaps, duplicates, reorderings, closed connections',
      unit: '',
      values: [losses],
      goal: { atMost: 0 },
    },
  ];
  return {
    figures,
    notes: [
      `Redis, the load client and others used up to ${Math.max(...others).toFixed(2)} cores during a window.`,
    ],
  };
}

function cpuUsEach({ serverCpuS, deliveries }: DeliveryLine): number {
  return (serverCpuS / deliveries) * 1e6;
}

async function measure(
  name: Setup,
): Promise<{ readonly line: DeliveryLine; readonly losses: number }> {
  const { count, isShared } = setups[name];
  await using redis = await startRedisProcess(otherCore);
  await using nodes = await serveNodes({
    count,
    cores: serverCore,
    ...(isShared ? { engine: `redis:${redis.port}` } : {}),
  });
  const load = {
    connections: readers,
    warmupSeconds,
    phases: [`rate:${perSecond}:${windowSeconds}`],
  };
  const args = loadArguments(contestants['millrace-ws'].speech(1), load, nodes.target);
  const lines = parseLoadLines(await runLoad(args));
  const [line] = linesOf(lines, 'rate');
  const expected = readers * perSecond * windowSeconds;
  if (line === undefined || line.deliveries < expected * 0.9) {
    throw new Error(`${name}: ${line?.deliveries ?? 0} of ${expected} deliveries`);
  }
  return { line, losses: lossesOf(lines) };
}
