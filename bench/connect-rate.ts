// How many clients can connect and subscribe for a second of CPU?
//
// 10,000 connections, 128 of them opening at a time, until each has its subscription confirmed. Ours has its
// token checked (HMAC-SHA256) and its subscription authorized; the naive servers check nothing.

import { compare, type RatioGoal, ratioFigures } from './delivery/compare.ts';
import type { ContestantName } from './delivery/contestants.ts';
import { measureRounds } from './delivery/measure.ts';
import { connectsPerCpuS, naiveOf, oursOf, type Wire } from './delivery/reads.ts';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';

const names: readonly ContestantName[] = [
  'limit-ws',
  'bun',
  'nchan-ws',
  'millrace-ws',
  'ws-naive',
  'socketio',
  'limit-sse',
  'millrace-sse',
  'sse-naive',
  'better-sse',
];

export const connectRate: Bench = {
  name: 'connect-rate',
  question: 'How many clients can connect and subscribe for a second of CPU?',
  method:
    '10,000 connections to a fresh server, 128 opening at a time, until each has its subscription confirmed (for SSE: until the head of the answer). Millrace checks a token of its own for each (HMAC-SHA256), authorizes the subscription and answers with a cursor; the peers check nothing.',
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const { lines, notes } = await measureRounds({
    names,
    rounds: runs,
    load: { connections: 10_000, phases: [] },
  });
  return {
    figures: ratioFigures(lines, [goal('WebSocket'), goal('SSE')]),
    comparisons: [
      compare(lines, {
        name: 'connects',
        title: 'Connecting and subscribing',
        unit: 'thousand connections for a second of CPU',
        names,
        read: connectsPerCpuS,
        against: { 'ws naive': 'ws-naive', 'SSE naive': 'sse-naive' },
        isMoreBetter: true,
      }),
    ],
    notes,
  };
}

function goal(wire: Wire): RatioGoal {
  return {
    label: `${wire}, with a token, ÷ naive without`,
    of: oursOf[wire],
    to: naiveOf[wire],
    read: connectsPerCpuS,
    goal: { atLeast: 0.85 },
  };
}
