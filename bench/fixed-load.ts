// What does a fixed load cost, and how late do its messages come?
//
// 50,000 deliveries a second: 1,000 readers × 50 messages, and 10,000 × 5. Below what any server can do, so CPU
// and latency are those of an ordinary day.

import { compare, lossFigure, type RatioGoal, ratioFigures } from './delivery/compare.ts';
import type { ContestantName } from './delivery/contestants.ts';
import { type Measured, measureRounds } from './delivery/measure.ts';
import { cpuAtPace, naiveOf, oursOf, p50Ms, p99Ms, type Wire } from './delivery/reads.ts';
import type { Bench, BenchOptions, Comparison, Findings } from './lib/bench.ts';

const windowSeconds = 4;

const names: readonly ContestantName[] = [
  'limit-ws',
  'bun',
  'millrace-ws',
  'ws-preframed',
  'nchan-ws',
  'ws-naive',
  'socketio',
  'limit-sse',
  'millrace-sse',
  'nchan-sse',
  'sse-naive',
  'better-sse',
];

export const fixedLoad: Bench = {
  name: 'fixed-load',
  question: 'What do 50,000 deliveries a second cost, and how late do they come?',
  method: `1,000 readers × 50 messages a second and 10,000 × 5, messages of 200 bytes, over loopback; windows of ${windowSeconds} s. Server and load client have a core each. Latency is from the making of the message in the server to its reading in the load client, for every delivery: the last of 10,000 readers waits for the 9,999 before it.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const measure = (connections: number, perSecond: number): Promise<Measured> =>
    measureRounds({
      names,
      rounds: runs,
      load: { connections, phases: [`rate:${perSecond}:${windowSeconds}`] },
    });
  const thousand = await measure(1_000, 50);
  const tenThousand = await measure(10_000, 5);
  return {
    figures: [
      ...ratioFigures(thousand.lines, goals('1,000 × 50')),
      ...ratioFigures(tenThousand.lines, goals('10,000 × 5')),
      lossFigure(thousand.lines),
      lossFigure(tenThousand.lines),
    ],
    comparisons: [
      ...comparisons(thousand, '1000', '1,000 readers × 50 a second'),
      ...comparisons(tenThousand, '10000', '10,000 readers × 5 a second'),
    ],
    notes: [...thousand.notes, ...tenThousand.notes],
  };
}

function comparisons({ lines }: Measured, name: string, what: string): Comparison[] {
  const shared = { names, isMoreBetter: false };
  return [
    compare(lines, {
      ...shared,
      name: `${name}-cpu`,
      title: `CPU of the server, ${what}`,
      unit: '% of a core',
      read: cpuAtPace,
      against: { 'ws naive': 'ws-naive', 'SSE naive': 'sse-naive' },
    }),
    compare(lines, {
      ...shared,
      name: `${name}-p50`,
      title: `Latency, median, ${what}`,
      unit: 'ms',
      read: p50Ms,
      against: {},
    }),
    compare(lines, {
      ...shared,
      name: `${name}-p99`,
      title: `Latency, 99th percentile, ${what}`,
      unit: 'ms',
      read: p99Ms,
      against: { 'ws naive': 'ws-naive', 'SSE naive': 'sse-naive' },
    }),
  ];
}

function goals(size: string): RatioGoal[] {
  const atMost = (wire: Wire, what: string, read: typeof p99Ms, most: number): RatioGoal => ({
    label: `${wire}, ${size}, ${what}, ÷ naive`,
    of: oursOf[wire],
    to: naiveOf[wire],
    read,
    goal: { atMost: most },
  });
  return [
    atMost('WebSocket', 'CPU', cpuAtPace, 0.75),
    atMost('WebSocket', 'p99', p99Ms, 1),
    atMost('SSE', 'CPU', cpuAtPace, 0.73),
    atMost('SSE', 'p99', p99Ms, 0.8),
  ];
}
