// How long does it take until 5,000 clients that lost their connections at once have everything again?
//
// Each has five channels. All are cut in the same moment, three messages are published to each channel while
// nobody is there, and all come back together. Resumed is who has its five verdicts and all that it missed.

import { compare, lossFigure, type Read, valuesOf } from './delivery/compare.ts';
import type { ContestantName } from './delivery/contestants.ts';
import { linesOf } from './delivery/load-lines.ts';
import { measureRounds } from './delivery/measure.ts';
import type { Bench, BenchOptions, Comparison, Findings } from './lib/bench.ts';

const names: readonly ContestantName[] = ['millrace-ws', 'millrace-sse', 'ws-naive', 'socketio'];
const clients = 5_000;
const channels = 5;
const missed = 3;

export const resumeStorm: Bench = {
  name: 'resume-storm',
  question: 'How long until 5,000 clients that were cut off at once have everything again?',
  method: `${clients.toLocaleString('en-US')} clients with ${channels} channels each, all connections reset in one moment; ${missed} messages are published to each channel, and all clients come back together, 512 opening at a time. Millrace's come back with their cursors and are done when each channel's verdict and all missed messages are there; a gap would be counted. The peers keep nothing: theirs are done when they are subscribed again, without what they missed. Event-loop lag is the server's own, by Node's histogram.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const { lines, notes } = await measureRounds({
    names,
    rounds: runs,
    load: {
      connections: clients,
      channels,
      channelsEach: channels,
      connectingAtOnce: 512,
      missed,
      phases: ['storm'],
    },
  });
  const comparison = (name: string, title: string, unit: string, read: Read): Comparison =>
    compare(lines, {
      name,
      title,
      unit,
      names,
      read,
      against: { 'ws naive': 'ws-naive' },
      isMoreBetter: name === 'connects',
    });
  return {
    figures: [
      {
        label: 'WebSocket, until all are resumed',
        unit: 's',
        values: valuesOf(lines, 'millrace-ws', seconds),
      },
      {
        label: 'SSE, until all are resumed',
        unit: 's',
        values: valuesOf(lines, 'millrace-sse', seconds),
      },
      lossFigure(lines),
    ],
    comparisons: [
      comparison('seconds', 'Until all clients are back', 's', seconds),
      comparison(
        'connects',
        'Coming back, for a second of CPU',
        'thousand clients',
        thousandPerCpuS,
      ),
      comparison('lag', "Lag of the server's event loop, 99th percentile", 'ms', lagMs),
    ],
    notes: [
      ...notes,
      `Messages caught up by Millrace's clients in a storm: ${valuesOf(lines, 'millrace-ws', caughtUp)[0]?.toLocaleString('en-US')} of ${(clients * channels * missed).toLocaleString('en-US')}.`,
    ],
  };
}

const seconds: Read = (lines) => linesOf(lines, 'storm')[0]?.seconds ?? Number.NaN;
const lagMs: Read = (lines) => linesOf(lines, 'storm')[0]?.lag?.p99Ms ?? Number.NaN;
const caughtUp: Read = (lines) => linesOf(lines, 'storm')[0]?.caughtUp ?? Number.NaN;
const thousandPerCpuS: Read = (lines) =>
  (linesOf(lines, 'storm')[0]?.connectsPerServerCpuS ?? Number.NaN) / 1_000;
