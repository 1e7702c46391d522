// What do 500 answers of a language model cost that stream at the same time?
//
// 500 event streams with a channel each, 100 messages a second to each: 50,000 small writes a second that
// nobody shares.

import { compare, lossFigure, ratioFigures } from './delivery/compare.ts';
import type { ContestantName } from './delivery/contestants.ts';
import { measureRounds } from './delivery/measure.ts';
import { cpuAtPace, p99Ms } from './delivery/reads.ts';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';

const windowSeconds = 5;
/** Longer than elsewhere: on its one core a server compiles its hot code beside its work for some seconds. */
const warmupSeconds = 4;
const names: readonly ContestantName[] = [
  'limit-sse',
  'millrace-sse',
  'millrace-plain',
  'sse-naive',
  'better-sse',
];

export const tokenStreams: Bench = {
  name: 'token-streams',
  question: 'What do 500 token streams of 100 messages a second cost?',
  method: `500 event streams, each of a channel of its own, 100 messages of 200 bytes a second to each, published in turn; windows of ${windowSeconds} s after ${warmupSeconds} s of the same. A message is late by when it was due. Millrace appends every message to its channel's history before it is delivered, so each stream can be resumed; the peers write and forget.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const { lines, notes } = await measureRounds({
    names,
    rounds: runs,
    load: {
      connections: 500,
      channels: 500,
      warmupSeconds,
      phases: [`rate:50000:${windowSeconds}`],
    },
  });
  const shared = { names, against: { naive: 'sse-naive' }, isMoreBetter: false } as const;
  return {
    figures: [
      ...ratioFigures(lines, [
        {
          label: 'SSE, CPU, ÷ naive',
          of: 'millrace-sse',
          to: 'sse-naive',
          read: cpuAtPace,
          goal: { atMost: 0.95 },
        },
        {
          label: 'SSE, p99, ÷ naive',
          of: 'millrace-sse',
          to: 'sse-naive',
          read: p99Ms,
          goal: { atMost: 1.3 },
        },
      ]),
      lossFigure(lines),
    ],
    comparisons: [
      compare(lines, {
        ...shared,
        name: 'cpu',
        title: 'CPU of the server, 500 streams × 100 a second',
        unit: '% of a core',
        read: cpuAtPace,
      }),
      compare(lines, {
        ...shared,
        name: 'p99',
        title: 'Latency, 99th percentile, 500 streams × 100 a second',
        unit: 'ms',
        read: p99Ms,
      }),
    ],
    notes,
  };
}
