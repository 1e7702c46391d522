// What does an append through the Redis engine cost beside XADD and PUBLISH by hand, and how soon does another node
// hear of it?
//
// The engine does more for each event: an offset without a hole, the check of the incarnation, the end, a message that
// a node can use without reading. It does so in one call a batch, where the plain way sends two commands an event.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { redisEngine } from '@millrace/server/redis';
import type { Redis } from 'ioredis';
import { serverCpuSeconds, startRedisProcess } from './engines/redis-process.ts';
import type { Bench, BenchOptions, Figure, Findings } from './lib/bench.ts';

const BATCHES = [1, 10, 100];
const SECONDS = 3;
const PER_SECOND = 5_000;
const LATENCY_SECONDS = 10;
const CHANNELS = 50;

export const redisEngineBench: Bench = {
  name: 'redis-engine',
  question:
    'What does an append through the Redis engine cost beside XADD and PUBLISH by hand, and how soon does another node hear of it?',
  method: `A redis-server of the bench's own, nothing kept on disk, nobody listening, and one node that appends batches of ${BATCHES.join(', ')} events (200 bytes, over 10 channels) for ${SECONDS} s, one batch after the other: through the engine, or XADD and PUBLISH of each event by the same client (ioredis) in one pipeline a batch, which makes no offsets and checks nothing. (A batch of 100 has ten events for each channel, so ten PUBLISH by hand where the engine sends one message; one of 10 has one each. The goals are those of 100.) Both in each round; events for each second of CPU (user and system) of the node and of Redis, as ratios within the round. Latency: a node appends ${PER_SECOND.toLocaleString('en')} events a second, each alone, to ${CHANNELS} channels for ${LATENCY_SECONDS} s, after one that is not counted; from the call to the watcher in another process.`,
  run,
};

interface Load {
  readonly events: number;
  readonly nodeCpuSeconds: number;
  readonly serverCpuSeconds: number;
}

interface Latency {
  readonly events: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  const figures: Figure[] = [];
  const notes: string[] = [];
  for (const batch of BATCHES) {
    const node: number[] = [];
    const server: number[] = [];
    for (let round = 0; round < runs; round += 1) {
      const plain = await append('plain', batch);
      const own = await append('millrace', batch);
      node.push(perNode(own) / perNode(plain));
      server.push(perServer(own) / perServer(plain));
      notes.push(
        `batches of ${batch}, round ${round + 1}: ${describe(own)} through the engine, ${describe(plain)} by hand`,
      );
    }
    figures.push(
      {
        label: `batches of ${batch}, events for each second of the node's CPU, ÷ by hand`,
        unit: '×',
        values: node,
        ...(batch === 100 ? { goal: { atLeast: 1.3 } } : {}),
      },
      {
        label: `batches of ${batch}, events for each second of Redis' CPU, ÷ by hand`,
        unit: '×',
        values: server,
        ...(batch === 100 ? { goal: { atLeast: 0.2 } } : {}),
      },
    );
  }
  const latencies: Latency[] = [];
  for (let round = 0; round < Math.min(3, runs); round += 1) latencies.push(await measureLatency());
  const info: number[] = [];
  for (let round = 0; round < runs; round += 1) info.push(await measureInfo());
  figures.push(
    {
      label: `${PER_SECOND} events a second, until another node hears of one, median`,
      unit: 'ms',
      values: latencies.map(({ medianMs }) => medianMs),
      goal: { atMost: 2 },
    },
    {
      label: `${PER_SECOND} events a second, until another node hears of one, 99 %`,
      unit: 'ms',
      values: latencies.map(({ p99Ms }) => p99Ms),
      goal: { atMost: 10 },
    },
    { label: 'INFO server replication, read within a script', unit: 'µs', values: info },
  );
  const missed = latencies.map(({ events }) => PER_SECOND * LATENCY_SECONDS - events);
  return { figures, notes: [...notes, `events that were not heard of: ${missed.join(', ')}`] };
}

function perNode({ events, nodeCpuSeconds }: Load): number {
  return events / nodeCpuSeconds;
}

function perServer({ events, serverCpuSeconds }: Load): number {
  return events / serverCpuSeconds;
}

function describe(load: Load): string {
  const thousands = (count: number): string => `${Math.round(count / 1_000)}k`;
  return `${thousands(load.events / SECONDS)} events a second, ${thousands(perNode(load))} for a second of the node's CPU, ${thousands(perServer(load))} for one of Redis'`;
}

async function append(kind: 'millrace' | 'plain', batch: number): Promise<Load> {
  await using server = await startRedisProcess();
  const child = start('append-load.ts', [kind, server.port, batch, SECONDS]);
  const [line = ''] = await linesOf(child);
  const load: Load = JSON.parse(line);
  return load;
}

async function measureLatency(): Promise<Latency> {
  await using server = await startRedisProcess();
  const listener = start('hint-listener.ts', [server.port, CHANNELS]);
  const lines = createInterface({ input: listener.stdout })[Symbol.asyncIterator]();
  await lines.next();
  await publishAtPace(server.client);
  // What is under way arrives before the end of the input does.
  await new Promise((resolve) => setTimeout(resolve, 500));
  listener.stdin.end();
  const { value } = await lines.next();
  const latency: Latency = JSON.parse(value ?? '');
  return latency;
}

/** Each event is a call of its own, as requests make them; those that are due together are made in one turn. */
async function publishAtPace(client: Redis): Promise<void> {
  const { log, close } = redisEngine({ client });
  const during = async (seconds: number, stamp: () => string): Promise<void> => {
    const count = PER_SECOND * seconds;
    const startedAt = performance.now();
    const pending: Promise<unknown>[] = [];
    for (let sent = 0; sent < count; ) {
      const due = Math.floor(((performance.now() - startedAt) / 1_000) * PER_SECOND);
      for (; sent < Math.min(due, count); sent += 1) {
        const body = `"type":"progressed","data":{"t":"${stamp()}","text":"${'x'.repeat(120)}"}`;
        pending.push(log.append([{ channel: `job:${sent % CHANNELS}`, body }]));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(pending);
  };
  // Connected, and warm: without a time that is read.
  await log.append([{ channel: 'job:0', body: '"type":"progressed","data":null' }]);
  await during(1, () => '');
  await during(LATENCY_SECONDS, () => `${process.hrtime.bigint()}`);
  await close();
}

/** With the searches that the engine's scripts make in it; CPU of the server. */
async function measureInfo(): Promise<number> {
  await using server = await startRedisProcess();
  const calls = 50_000;
  const time = async (body: string): Promise<number> => {
    const before = await serverCpuSeconds(server.client);
    await server.client.eval(`for _ = 1, ${calls} do ${body} end`, 0);
    return (await serverCpuSeconds(server.client)) - before;
  };
  const ask = `local info = redis.pcall('INFO', 'server', 'replication')
    local run = string.find(info, 'run_id:', 1, true)
    local role = string.find(info, 'role:', run, true)
    local replication = string.find(info, 'master_replid:', role, true)
    local name = string.sub(info, run + 7, run + 26) .. string.sub(info, replication + 14, replication + 33)`;
  await time(ask);
  return (((await time(ask)) - (await time(''))) * 1e6) / calls;
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

function start(program: string, args: readonly (string | number)[]): Child {
  const file = join(import.meta.dirname, 'engines', program);
  return spawn(process.execPath, ['--conditions=@millrace/source', file, ...args.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

async function linesOf(child: Child): Promise<readonly string[]> {
  const lines: string[] = [];
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) lines.push(line);
  const [code] = await ended;
  if (code !== 0) throw new Error(`a load ended with ${code}`);
  return lines;
}
