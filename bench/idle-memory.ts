// How much memory does a connection cost that only waits?
//
// The server process's memory before the first connection and with 10,000 of them, each with one subscription
// that can be resumed, after a garbage collection; and the same with as many as the limit of open files allows.

import { execFileSync } from 'node:child_process';
import { compare, valuesOf } from './delivery/compare.ts';
import type { ContestantName } from './delivery/contestants.ts';
import { type Measured, measureRounds } from './delivery/measure.ts';
import { kibPerConnection, oursOf } from './delivery/reads.ts';
import type { Bench, BenchOptions, Comparison, Figure, Findings } from './lib/bench.ts';

const names: readonly ContestantName[] = [
  'limit-ws',
  'bun',
  'millrace-ws',
  'ws-naive',
  'ws-preframed',
  'nchan-ws',
  'socketio',
  'limit-sse',
  'millrace-sse',
  'sse-naive',
  'better-sse',
];

export const idleMemory: Bench = {
  name: 'idle-memory',
  question: 'How much memory does a connection cost that only waits?',
  method:
    "Resident memory of the server's process, all its workers, before the first connection and with all of them subscribed to one channel, nothing published, garbage collected where there is any. The kernel's part of a socket is not in it. With 10,000 connections, and with as many as the limit of open files allows (for the table alone, one round).",
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const measure = (connections: number, rounds: number): Promise<Measured> =>
    measureRounds({ names, rounds, load: { connections, phases: ['idle:2', 'gc'] } });
  const most = openFiles() - 1_000;
  const usual = await measure(10_000, runs);
  const largest = await measure(most, 1);
  return {
    figures: (['WebSocket', 'SSE'] as const).map(
      (wire): Figure => ({
        label: `${wire}, 10,000 connections`,
        unit: 'KiB a connection',
        values: valuesOf(usual.lines, oursOf[wire], kibPerConnection),
        goal: { atMost: 7.5 },
      }),
    ),
    comparisons: [
      comparison(usual, '10000', '10,000'),
      comparison(largest, 'most', most.toLocaleString('en-US')),
    ],
    notes: [...usual.notes, ...largest.notes],
  };
}

function comparison({ lines }: Measured, name: string, count: string): Comparison {
  return compare(lines, {
    name,
    title: `Memory of an idle connection, ${count} of them`,
    unit: 'KiB a connection',
    names,
    read: kibPerConnection,
    against: { 'ws naive': 'ws-naive', 'SSE naive': 'sse-naive' },
    isMoreBetter: false,
  });
}

/** At most as many as the load client's source addresses have ports for. */
function openFiles(): number {
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim();
  return limit === 'unlimited' ? 100_000 : Math.min(100_000, Number(limit));
}
