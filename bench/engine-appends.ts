// How many events a second do the database engines take?
//
// One node appends to 100 channels, batches of 500 events of 200 bytes, the next one as soon as the last is answered;
// and 64 publishers who each wait for their answer, one event at a time, as a hub gathers them.

import { PGlite } from '@electric-sql/pglite';
import { encodeEventBody } from '@millrace/protocol/wire';
import type { AppendRequest, Engine } from '@millrace/server';
import { pgliteDatabase, pgliteEngine } from '@millrace/server/postgres';
import { startBenchServer } from './engines/postgres-nodes.ts';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';

const channels = 100;
const batchSize = 500;
const publishers = 64;
const seconds = 5;

export const engineAppends: Bench = {
  name: 'engine-appends',
  question: 'How many events a second do the database engines take?',
  method: `One node, ${channels} channels, events of 200 bytes, ${seconds} s each after one to warm up. In batches: ${batchSize} events an append, one append after the other. One by one: ${publishers} publishers who each wait for their answer; the engine gathers what comes while a statement is under way. PostgreSQL 15 with the settings it comes with (each commit reaches the disk), all of its processes on one core; with producers, each event is checked by its sequence. PGlite runs in the process of the bench, in memory.`,
  run,
};

async function run({ runs = 3 }: BenchOptions): Promise<Findings> {
  const figures = new Map<string, number[]>();
  const note = (label: string, value: number): void => {
    const values = figures.get(label) ?? [];
    values.push(value);
    figures.set(label, values);
  };
  for (let round = 0; round < runs; round += 1) {
    await using server = await startBenchServer();
    const postgres = server.engine();
    const cpuBefore = server.cpuSeconds();
    const inBatches = await appendInBatches(postgres, plain);
    note('PostgreSQL, in batches', inBatches.perSecond);
    note(CPU, inBatches.events / (server.cpuSeconds() - cpuBefore));
    note(
      'PostgreSQL, in batches, with producers',
      (await appendInBatches(postgres, produced)).perSecond,
    );
    note('PostgreSQL, one by one', await appendOneByOne(postgres));
    const pglite = await PGlite.create();
    const embedded = pgliteEngine({ database: pgliteDatabase(pglite) });
    note('PGlite, in batches', (await appendInBatches(embedded, plain)).perSecond);
    note('PGlite, one by one', await appendOneByOne(embedded));
    await embedded.close();
    await pglite.close();
  }
  return {
    figures: [...figures].map(([label, values]): Figure => {
      const figure = {
        label,
        unit: label === CPU ? 'events for a second of CPU' : 'events/s',
        values,
      };
      return label === 'PostgreSQL, in batches' ? { ...figure, goal: { atLeast: 20_000 } } : figure;
    }),
  };
}

const CPU = 'PostgreSQL, in batches, for a second of its CPU';
const body = encodeEventBody({ type: 'said', data: 'x'.repeat(160) });

type Make = (sequence: number) => AppendRequest;

const plain: Make = (sequence) => ({ channel: `stream:${sequence % channels}`, body });

/** One producer a channel, whose sequences are in order. */
const produced: Make = (sequence) => ({
  channel: `produced:${sequence % channels}`,
  body,
  producer: { id: 'p', epoch: 1, sequence: Math.floor(sequence / channels) + 1 },
});

async function appendInBatches(
  { log }: Engine,
  make: Make,
): Promise<{ readonly events: number; readonly perSecond: number }> {
  let sequence = 0;
  const append = async (): Promise<void> => {
    const from = sequence;
    sequence += batchSize;
    const outcomes = await log.append(
      Array.from({ length: batchSize }, (_, index) => make(from + index)),
    );
    const refused = outcomes.find((outcome) => 'error' in outcome);
    if (refused !== undefined && 'error' in refused) throw refused.error;
  };
  await during(1, append);
  const before = sequence;
  const tookS = await during(seconds, append);
  return { events: sequence, perSecond: (sequence - before) / tookS };
}

async function appendOneByOne({ log }: Engine): Promise<number> {
  let count = 0;
  const append = async (): Promise<void> => {
    count += 1;
    await log.append([plain(count)]);
  };
  const all = (forS: number): Promise<number[]> =>
    Promise.all(Array.from({ length: publishers }, () => during(forS, append)));
  await all(1);
  count = 0;
  const startedAt = performance.now();
  await all(seconds);
  return (count * 1_000) / (performance.now() - startedAt);
}

/** Repeats it for so long; answers how long it took, s. */
async function during(forS: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < forS * 1_000) await work();
  return (performance.now() - startedAt) / 1_000;
}
