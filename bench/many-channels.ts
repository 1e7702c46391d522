// What does a delivery cost when each reader has a channel of its own?
//
// 10,000 channels with one reader each, published to in turn at full speed: nothing can be shared among readers.

import {
  compare,
  kernelLimit,
  lossFigure,
  type RatioGoal,
  ratioFigures,
} from './delivery/compare.ts';
import type { ContestantName } from './delivery/contestants.ts';
import { measureRounds } from './delivery/measure.ts';
import { deliveriesPerCpuS, naiveOf, oursOf, type Wire } from './delivery/reads.ts';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';

const windowSeconds = 3;

const names: readonly ContestantName[] = [
  'limit-ws',
  'bun',
  'millrace-ws',
  'ws-preframed',
  'ws-naive',
  'socketio',
  'limit-sse',
  'millrace-sse',
  'sse-naive',
  'better-sse',
];

export const manyChannels: Bench = {
  name: 'many-channels',
  question: 'What does a delivery cost when each of 10,000 readers has a channel of its own?',
  method: `10,000 channels with one reader each, published to in turn, 1,000 messages a turn of the event loop; windows of ${windowSeconds} s. nchan is left out: its figure would be that of its HTTP publisher.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const { lines, notes } = await measureRounds({
    names,
    rounds: runs,
    load: { connections: 10_000, channels: 10_000, phases: [`max:${windowSeconds}`] },
  });
  const goals = (wire: Wire, naive: number): RatioGoal[] => [
    {
      label: `${wire}, ÷ naive`,
      of: oursOf[wire],
      to: naiveOf[wire],
      read: deliveriesPerCpuS(),
      goal: { atLeast: naive },
    },
    {
      label: `${wire}, ÷ kernel limit`,
      of: oursOf[wire],
      to: kernelLimit,
      read: deliveriesPerCpuS(),
      goal: { atLeast: 0.66 },
    },
  ];
  return {
    figures: [
      ...ratioFigures(lines, [...goals('WebSocket', 1.35), ...goals('SSE', 1.3)]),
      lossFigure(lines),
    ],
    comparisons: [
      compare(lines, {
        name: 'deliveries',
        title: '10,000 channels with one reader each',
        unit: 'thousand deliveries for a second of CPU',
        names,
        read: deliveriesPerCpuS(),
        against: {
          'ws naive': 'ws-naive',
          'SSE naive': 'sse-naive',
          'kernel limit': kernelLimit,
        },
        isMoreBetter: true,
      }),
    ],
    notes,
  };
}
