// How long from an event's publishing on one node to the callback at a reader of another?
//
// The whole way: hub, engine, the other hub, its socket, the client. Twice, with a reader that shows the layer and one
// that is what a user has.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { contestants } from './delivery/contestants.ts';
import { loadArguments, type Target } from './delivery/load-arguments.ts';
import { linesOf, lossesOf, parseLoadLines } from './delivery/load-lines.ts';
import { serveNodes } from './delivery/nodes.ts';
import { runLoad } from './delivery/serve.ts';
import type { CallbackLatency } from './engines/callback-reader.ts';
import { startBenchServer } from './engines/postgres-nodes.ts';
import { startRedisProcess } from './engines/redis-process.ts';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';

const perSecond = 5_000;
const channels = 50;
const seconds = 10;
const warmupSeconds = 2;
/** Nobody is pinned: four processes want them, and on machines of their own none would wait for another. */
const cores = '0,1';

export const crossNodeLatency: Bench = {
  name: 'cross-node-latency',
  question: 'How long from a publish on one node to the callback at a reader of another?',
  method: `Two node processes on one Redis; then two on one PostgreSQL 15 (each commit reaches the disk), for information. The first one publishes ${perSecond.toLocaleString('en-US')} messages of 200 bytes a second to ${channels} channels, one each in turn; those that are due in one turn of its loop go together. All readers are at the second one: one client of ours in a process of its own with all channels on one WebSocket (until its callback), or the load client in C with a WebSocket for each channel (until it has read the bytes). From the moment at which a message is due, so that a late publisher counts, for every message of ${seconds} s after ${warmupSeconds} s. All of them share two cores, which on machines of their own they would not.`,
  run,
};

interface Latency {
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly events: number;
  readonly losses: number;
  /** Of the node that hears and delivers, for each event; by the load client. */
  readonly cpuUs?: number;
}

type EngineName = 'Redis' | 'PostgreSQL';
type ReaderName = 'client' | 'load client';
const readers = { client: readByClient, 'load client': readByLoad } as const;
const readerNames: readonly ReaderName[] = ['client', 'load client'];

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const figures: Figure[] = [];
  const notes: string[] = [];
  for (const engine of ['Redis', 'PostgreSQL'] as const) {
    const rounds = new Map<ReaderName, Latency[]>(readerNames.map((name) => [name, []]));
    for (let round = 0; round < runs; round += 1) {
      for (const name of readerNames) {
        rounds.get(name)?.push(await withEngine(engine, (place) => measure(place, name)));
      }
    }
    for (const name of readerNames) {
      const taken = rounds.get(name) ?? [];
      figures.push(...figuresOf(engine, name, taken));
      notes.push(
        `${engine}, ${name}: ${taken.map(({ events }) => events).join(', ')} messages of about ${perSecond * seconds} counted in a round`,
      );
    }
  }
  return { figures, notes };
}

function figuresOf(engine: EngineName, reader: ReaderName, taken: readonly Latency[]): Figure[] {
  const until = reader === 'client' ? 'to the callback' : 'to the reading by the load client';
  const label = `${engine}, ${until}`;
  const isPromised = engine === 'Redis';
  return [
    {
      label: `${label}, median`,
      unit: 'ms',
      values: taken.map(({ medianMs }) => medianMs),
      ...(isPromised ? { goal: { atMost: 2 } } : {}),
    },
    {
      label: `${label}, 99 %`,
      unit: 'ms',
      values: taken.map(({ p99Ms }) => p99Ms),
      ...(isPromised ? { goal: { atMost: 10 } } : {}),
    },
    {
      label: `${label}, lost, repeated or out of order`,
      unit: '',
      values: taken.map(({ losses }) => losses),
      goal: { atMost: 0 },
    },
    ...(reader === 'client'
      ? []
      : [
          {
            label: `${engine}, CPU of the node that hears of an event and delivers it once`,
            unit: 'µs',
            values: taken.map(({ cpuUs }) => cpuUs ?? Number.NaN),
          },
        ]),
  ];
}

async function withEngine<Result>(
  engine: EngineName,
  work: (place: string) => Promise<Result>,
): Promise<Result> {
  if (engine === 'Redis') {
    await using redis = await startRedisProcess();
    return await work(`redis:${redis.port}`);
  }
  await using postgres = await startBenchServer();
  return await work(postgres.url);
}

async function measure(engine: string, reader: ReaderName): Promise<Latency> {
  await using nodes = await serveNodes({ count: 2, engine, cores });
  const [publisher, other] = nodes.each;
  if (publisher === undefined || other === undefined) throw new Error('two nodes are wanted');
  return await readers[reader]({ ...nodes.target, ports: other.ports, pids: other.pids });
}

async function readByLoad(target: Target): Promise<Latency> {
  const load = {
    connections: channels,
    channels,
    warmupSeconds,
    phases: [`rate:${perSecond}:${seconds}`],
  };
  const args = loadArguments(contestants['millrace-ws'].speech(1), load, target);
  const lines = parseLoadLines(await runLoad(args, cores));
  const [line] = linesOf(lines, 'rate');
  if (line === undefined) throw new Error('the load client measured nothing');
  return {
    medianMs: line.p50Us / 1_000,
    p99Ms: line.p99Us / 1_000,
    events: line.deliveries,
    losses: lossesOf(lines),
    cpuUs: (line.serverCpuS / line.deliveries) * 1e6,
  };
}

async function readByClient({ controlPort, ports: [port] }: Target): Promise<Latency> {
  const reader = startReader(`http://127.0.0.1:${port}/realtime`);
  const lines = createInterface({ input: reader.stdout })[Symbol.asyncIterator]();
  const endWithUs = (): void => void reader.kill('SIGKILL');
  process.once('exit', endWithUs);
  try {
    await lines.next();
    await control(controlPort, `/start?mode=rate&rate=${perSecond}&channels=${channels}&size=200`);
    await sleep(warmupSeconds * 1_000);
    reader.stdin.write('count\n');
    await sleep(seconds * 1_000);
    reader.stdin.end();
    const { value } = await lines.next();
    const latency: CallbackLatency = JSON.parse(value ?? '');
    return latency;
  } finally {
    reader.kill();
    process.off('exit', endWithUs);
    await control(controlPort, '/stop');
  }
}

function startReader(url: string): ChildProcessByStdio<Writable, Readable, null> {
  const file = join(import.meta.dirname, 'engines', 'callback-reader.ts');
  const args = ['--conditions=@millrace/source', file, url, `${channels}`];
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function control(port: number, path: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  if (!response.ok) throw new Error(`the publisher answered ${response.status}`);
}
