// How long until another node knows of an event?
//
// Two engines on one PostgreSQL, in this process. One appends an event, and once that is answered the time runs until
// the other one's watcher hears of it; and until it has read it.

import { encodeEventBody, ZERO_OFFSET } from '@millrace/protocol/wire';
import type { Engine } from '@millrace/server';
import { startBenchServer } from './engines/postgres-nodes.ts';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';
import { percentile } from './lib/statistics.ts';

const samples = 500;

export const nodeHints: Bench = {
  name: 'node-hints',
  question: 'How long until another node knows of an event?',
  method: `Two engines on one PostgreSQL 15 (each commit reaches the disk, one core), ${samples} events one after the other after 50 to warm up: from the call of append to its answer, to the hint at the other node, and to the end of the read that follows it there.`,
  run,
};

interface Sample {
  readonly answeredMs: number;
  readonly hintedMs: number;
  readonly readMs: number;
}

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const rounds: Sample[][] = [];
  for (let round = 0; round < runs; round += 1) rounds.push(await measure());
  const figure = (label: string, which: keyof Sample, share: number) => ({
    label,
    unit: 'ms',
    values: rounds.map((taken) =>
      percentile(
        taken.map((one) => one[which]),
        share,
      ),
    ),
  });
  return {
    figures: [
      figure('append answered, median', 'answeredMs', 0.5),
      figure('hint at the other node, median', 'hintedMs', 0.5),
      figure('hint at the other node, 99th percentile', 'hintedMs', 0.99),
      figure('read at the other node, median', 'readMs', 0.5),
      figure('read at the other node, 99th percentile', 'readMs', 0.99),
    ],
  };
}

async function measure(): Promise<Sample[]> {
  await using server = await startBenchServer();
  const here = server.engine();
  const there = server.engine();
  await there.bus.subscribe('up', () => undefined);
  await here.bus.subscribe('up', () => undefined);
  const taken: Sample[] = [];
  for (let n = 0; n < samples + 50; n += 1) {
    const sample = await sampleOf(here, there);
    if (n >= 50) taken.push(sample);
  }
  return taken;
}

async function sampleOf(here: Engine, there: Engine): Promise<Sample> {
  const { promise: heard, resolve } = Promise.withResolvers<number>();
  const { head } = await there.log.read('stream:1', ZERO_OFFSET, { maxEvents: 0, maxBytes: 0 });
  const unwatch = there.log.watch('stream:1', {
    hinted: (hint) => {
      if (hint.head > head) resolve(performance.now());
    },
    refresh: () => undefined,
  });
  const startedAt = performance.now();
  await here.log.append([{ channel: 'stream:1', body }]);
  const answeredMs = performance.now() - startedAt;
  const hintedMs = (await heard) - startedAt;
  await there.log.read('stream:1', head, { maxEvents: 10, maxBytes: 10_000 });
  unwatch();
  return { answeredMs, hintedMs, readMs: performance.now() - startedAt };
}

const body = encodeEventBody({ type: 'said', data: 'x'.repeat(160) });
