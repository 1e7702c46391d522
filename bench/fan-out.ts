// How much does the server's CPU deliver when one channel has many readers and is published to at full speed?
//
// 1,000 and 10,000 readers of one channel, one message a turn of the event loop and bursts of eight. What
// counts is deliveries for a second of the server's CPU: deliveries a second depend on who else uses the machine.

import {
  compare,
  kernelLimit,
  lossFigure,
  type RatioGoal,
  ratioFigures,
} from './delivery/compare.ts';
import type { ContestantName } from './delivery/contestants.ts';
import { type Measured, measureRounds } from './delivery/measure.ts';
import { deliveriesPerCpuS, naiveOf, oursOf, type Wire } from './delivery/reads.ts';
import type { Bench, BenchOptions, Comparison, Findings } from './lib/bench.ts';

const windowSeconds = 3;

const servers: Readonly<Record<Wire, readonly ContestantName[]>> = {
  WebSocket: [
    'limit-ws',
    'bun',
    'millrace-ws',
    'millrace-ws-streams',
    'nchan-ws',
    'ws-preframed',
    'ws-naive',
    'socketio',
  ],
  SSE: [
    'limit-sse',
    'millrace-sse',
    'millrace-sse-streams',
    'millrace-plain',
    'nchan-sse',
    'sse-naive',
    'better-sse',
  ],
};

export const fanOut: Bench = {
  name: 'fan-out',
  question:
    'How much does a second of CPU deliver when one channel has many readers and is published to at full speed?',
  method: `Messages of 200 bytes, no compression, over loopback; the server on one core, a load client in C on the other, all servers one after the other in each round. One message a turn of the event loop (burst 1), or eight. Windows of ${windowSeconds} s after 1 s. Ratios are made within a round; the kernel limit is the better of two servers in C (WebSocket, SSE) that do one send() for each socket and turn and nothing else. Millrace checks a token, authorizes each subscription, checks each event, keeps the history and bounds its queues; no peer but nchan keeps a history.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const names = [...servers.WebSocket, ...servers.SSE];
  const phases = [`max:${windowSeconds}:1`, `max:${windowSeconds}:8`];
  const thousand = await measureRounds({
    names,
    rounds: runs,
    load: { connections: 1_000, phases },
  });
  const tenThousand = await measureRounds({
    names,
    rounds: runs,
    load: { connections: 10_000, phases },
  });
  return {
    figures: [
      ...ratioFigures(thousand.lines, goalsAtThousand),
      ...ratioFigures(tenThousand.lines, goalsAtTenThousand),
      lossFigure(thousand.lines),
      lossFigure(tenThousand.lines),
    ],
    comparisons: (['WebSocket', 'SSE'] as const).flatMap((wire) => [
      comparison(thousand, wire, 1_000, 1),
      comparison(thousand, wire, 1_000, 8),
      comparison(tenThousand, wire, 10_000, 1),
      comparison(tenThousand, wire, 10_000, 8),
    ]),
    notes: [...thousand.notes, ...tenThousand.notes],
  };
}

function comparison({ lines }: Measured, wire: Wire, readers: number, burst: number): Comparison {
  return compare(lines, {
    name: `${wire.toLowerCase()}-${readers}-burst-${burst}`,
    title: `${wire}, ${readers.toLocaleString('en-US')} readers, ${burst === 1 ? 'one message' : `${burst} messages`} a turn`,
    unit: 'thousand deliveries for a second of CPU',
    names: servers[wire],
    read: deliveriesPerCpuS(burst),
    against: { naive: naiveOf[wire], 'kernel limit': kernelLimit },
    isMoreBetter: true,
  });
}

function atLeast(
  wire: Wire,
  burst: number,
  what: string,
  naive: number,
  limit: number,
): RatioGoal[] {
  const shared = { of: oursOf[wire], read: deliveriesPerCpuS(burst) };
  return [
    {
      ...shared,
      label: `${wire}, ${what}, ÷ naive`,
      to: naiveOf[wire],
      goal: { atLeast: naive },
    },
    {
      ...shared,
      label: `${wire}, ${what}, ÷ kernel limit`,
      to: kernelLimit,
      goal: { atLeast: limit },
    },
  ];
}

/** Writes through Node's streams alone, for those who forbid private API. */
function withoutRawWrites(burst: number, naive: number): RatioGoal {
  return {
    label: `WebSocket, 1,000 readers, burst ${burst}, raw writes off, ÷ naive`,
    of: 'millrace-ws-streams',
    to: 'ws-naive',
    read: deliveriesPerCpuS(burst),
    goal: { atLeast: naive },
  };
}

const goalsAtThousand: readonly RatioGoal[] = [
  ...atLeast('WebSocket', 1, '1,000 readers, burst 1', 1.65, 0.78),
  ...atLeast('WebSocket', 8, '1,000 readers, burst 8', 11.5, 0.73),
  {
    label: 'WebSocket, 1,000 readers, burst 8, ÷ Bun',
    of: 'millrace-ws',
    to: 'bun',
    read: deliveriesPerCpuS(8),
    goal: { atLeast: 0.95 },
  },
  withoutRawWrites(1, 1.2),
  withoutRawWrites(8, 7),
  ...atLeast('SSE', 1, '1,000 readers, burst 1', 1.5, 0.75),
  ...atLeast('SSE', 8, '1,000 readers, burst 8', 2.9, 0.78),
];

const goalsAtTenThousand: readonly RatioGoal[] = [
  ...atLeast('WebSocket', 1, '10,000 readers, burst 1', 1.38, 0.79),
  ...atLeast('SSE', 1, '10,000 readers, burst 1', 1.45, 0.73),
];
