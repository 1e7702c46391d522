// What do 10,000 parked long-polls cost, and what does it cost to answer them all?
//
// Each connection has a poll that waits. One message: all are answered (a wave); then all ask again. CPU of the
// answering and of the parking are measured apart.

import { compare, lossFigure, ratioFigures, valuesOf } from './delivery/compare.ts';
import type { ContestantName } from './delivery/contestants.ts';
import { type LoadLine, linesOf } from './delivery/load-lines.ts';
import { measureRounds } from './delivery/measure.ts';
import { kibPerConnection } from './delivery/reads.ts';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';
import { median } from './lib/statistics.ts';

const names: readonly ContestantName[] = ['millrace-poll', 'poll-naive'];
const waves = ['wave', 'wave', 'wave'];

export const pollWave: Bench = {
  name: 'poll-wave',
  question: 'What do 10,000 parked long-polls cost, and what does it cost to answer them all?',
  method:
    'Keep-alive connections over loopback with one long-poll each; one message of 200 bytes answers all of them (a wave), then all ask again. Three waves a round, the median counts. The CPU of a wave is that of the server from the publish until it is quiet again, before anyone has asked anew. Millrace parks with cursors, so what is published between two polls comes with the next; the naive server loses that.',
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const { lines, notes } = await measureRounds({
    names,
    rounds: runs,
    load: { connections: 10_000, phases: ['gc', ...waves] },
  });
  const shared = { names, against: { naive: 'poll-naive' }, isMoreBetter: false } as const;
  return {
    figures: [
      {
        label: 'memory while parked',
        unit: 'KiB a poll',
        values: valuesOf(lines, 'millrace-poll', kibPerConnection),
        goal: { atMost: 12 },
      },
      ...ratioFigures(lines, [
        {
          label: 'CPU of a wave of 10,000, ÷ naive',
          of: 'millrace-poll',
          to: 'poll-naive',
          read: answerMs,
          goal: { atMost: 0.85 },
        },
      ]),
      lossFigure(lines),
    ],
    comparisons: [
      compare(lines, {
        ...shared,
        name: 'answer',
        title: 'CPU of answering 10,000 polls',
        unit: 'ms',
        read: answerMs,
      }),
      compare(lines, {
        ...shared,
        name: 'park',
        title: 'CPU of parking 10,000 polls again',
        unit: 'ms',
        read: parkMs,
      }),
      compare(lines, {
        ...shared,
        name: 'memory',
        title: 'Memory of a parked poll, 10,000 of them',
        unit: 'KiB',
        read: kibPerConnection,
      }),
    ],
    notes,
  };
}

function answerMs(lines: readonly LoadLine[]): number {
  return median(linesOf(lines, 'wave').map(({ answerCpuS }) => answerCpuS * 1_000));
}

function parkMs(lines: readonly LoadLine[]): number {
  return median(linesOf(lines, 'wave').map(({ parkCpuS }) => parkCpuS * 1_000));
}
