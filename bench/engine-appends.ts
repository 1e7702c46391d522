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
/** PGlite is WebAssembly, which is compiled again while it works. */
const warmUpSeconds = 3;

export const engineAppends: Bench = {
  name: 'engine-appends',
  question: 'How many events a second do the database engines take?',
  method: `One node, ${channels} channels, events of 200 bytes, ${seconds} s each after ${warmUpSeconds} to warm up. In batches: ${batchSize} events an append, one append after the other. One by one: ${publishers} publishers who each wait for their answer; the engine gathers what comes while a statement is under way. PostgreSQL 15 with the settings it comes with (each commit reaches the disk), all of its processes on one core; its CPU is user and system time of all of them, those that end meanwhile too, and is what the goal is of: by the clock it also waits for the disk and for this process. With producers, each event is checked by its sequence. PGlite runs in the process of the bench, in memory, and its CPU is that of the process.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const figures = new Map<string, number[]>();
  const note = (label: string, value: number): void => {
    const values = figures.get(label) ?? [];
    values.push(value);
    figures.set(label, values);
  };
  for (let round = 0; round < runs; round += 1) {
    await using server = await startBenchServer();
    const postgres = server.engine();
    for (const [label, append] of Object.entries(ways)) {
      const { perSecond, perCpuSecond } = await append(postgres, server.cpuSeconds);
      note(`PostgreSQL, ${label}`, perSecond);
      note(`PostgreSQL, ${label}${BY_CPU}`, perCpuSecond);
    }
    const pglite = await PGlite.create();
    const embedded = pgliteEngine({ database: pgliteDatabase(pglite) });
    for (const [label, append] of Object.entries(ways)) {
      const { perSecond, perCpuSecond } = await append(embedded, ownCpuSeconds);
      note(`PGlite, ${label}`, perSecond);
      note(`PGlite, ${label}${BY_CPU}`, perCpuSecond);
    }
    await embedded.close();
    await pglite.close();
  }
  return {
    figures: [...figures].map(([label, values]): Figure => {
      const unit = label.endsWith(BY_CPU) ? 'events' : 'events/s';
      return { label, unit, values, ...(promised.includes(label) ? { goal } : {}) };
    }),
  };
}

const BY_CPU = ', for a second of its CPU';
const goal = { atLeast: 20_000 };
const promised = [`PostgreSQL, in batches${BY_CPU}`, 'PGlite, in batches'];

interface Pace {
  readonly perSecond: number;
  /** Of the server, or of the process that it is in. */
  readonly perCpuSecond: number;
}

type Append = (engine: Engine, cpuSeconds: () => number) => Promise<Pace>;

const ways: Readonly<Record<string, Append>> = {
  'in batches': (engine, cpuSeconds) => appendInBatches(engine, plain, cpuSeconds),
  'in batches, with producers': (engine, cpuSeconds) =>
    appendInBatches(engine, produced, cpuSeconds),
  'one by one': appendOneByOne,
};
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
  cpuSeconds: () => number,
): Promise<Pace> {
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
  await during(warmUpSeconds, append);
  return await pace(
    () => sequence,
    cpuSeconds,
    () => during(seconds, append),
  );
}

async function appendOneByOne({ log }: Engine, cpuSeconds: () => number): Promise<Pace> {
  let count = 0;
  const append = async (): Promise<void> => {
    count += 1;
    await log.append([plain(count)]);
  };
  const all = async (forS: number): Promise<void> => {
    await Promise.all(Array.from({ length: publishers }, () => during(forS, append)));
  };
  await all(warmUpSeconds);
  return await pace(
    () => count,
    cpuSeconds,
    () => all(seconds),
  );
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function pace(
  events: () => number,
  cpuSeconds: () => number,
  work: () => Promise<void>,
): Promise<Pace> {
  const [eventsBefore, cpuBefore, startedAt] = [events(), cpuSeconds(), performance.now()];
  await work();
  const done = events() - eventsBefore;
  return {
    perSecond: (done * 1_000) / (performance.now() - startedAt),
    perCpuSecond: done / (cpuSeconds() - cpuBefore),
  };
}

/** Repeats it for so long. */
async function during(forS: number, work: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < forS * 1_000) await work();
}
