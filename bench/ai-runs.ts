// What does an AI run cost beside a stream that dies with its request, and how late is a token for having been kept?
//
// The server has one core for itself; models that stand elsewhere, viewers and PostgreSQL have the other.

import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ServerProcess, startServerProcess, until } from '@millrace/tests';
import pg from 'pg';
import { type BenchServer, startBenchServer } from './engines/postgres-nodes.ts';
import type { Bench, BenchOptions, Findings } from './lib/bench.ts';
import { startStampingModel } from './lib/stamping-model.ts';
import { percentile } from './lib/statistics.ts';
import type { AiRunsUsage } from './servers/ai-runs.ts';

const SERVER_CORE = '0';
const runCount = 80;
const perSecond = 50;
const viewers = 2;
const warmUpSeconds = 5;
const windowSeconds = 10;

const WAYS = {
  millrace: 'Millrace: runs, each event kept',
  sdk: 'AI SDK: streamText piped to its viewers',
  bare: 'AI SDK: its loop alone, no viewer',
} as const;
type Way = keyof typeof WAYS;

/** Between two questions. */
const APART_MS = 37;

/** Runs of the generator. */
const crowdCount = 500;

export const aiRunsBench: Bench = {
  name: 'ai-runs',
  question: 'What does an AI run cost, and how late is a token for having been kept?',
  method: `${runCount} answers of ${perSecond} tokens a second each, ${viewers} viewers of each, on one core, for ${windowSeconds} s after ${warmUpSeconds} s of the same. The tokens come from a model in the same process, through the AI SDK's streamText: as Millrace's runs (memory engine, rows in PostgreSQL on the other core, windows of 30 ms, event streams in the SDK's format), as streamText's own stream copied to as many responses, and read by nobody. Our share is what a run takes above the SDK's loop alone. Latency: ten answers, asked for ${APART_MS} ms apart, of a model that stands behind HTTP in the viewers' process and writes into each token when it is written to its socket; to the viewer that has parsed it. In a crowd: ${crowdCount} runs of a generator of text in the process itself, ${perSecond} tokens a second each, ${viewers} viewers of each run's channel; lag of the event loop in the first and in the last of three windows.`,
  run,
};

async function run({ runs = 5 }: BenchOptions): Promise<Findings> {
  await using database = await startBenchServer();
  const cost: Record<Way, number[]> = { millrace: [], sdk: [], bare: [] };
  const lag: number[] = [];
  const lateness: Record<
    'first' | 'firstOfMany' | 'p50' | 'p99' | 'p50In30' | 'p99In30',
    number[]
  > = {
    ...{ first: [], firstOfMany: [], p50: [], p99: [] },
    ...{ p50In30: [], p99In30: [] },
  };
  const crowd: Record<'first' | 'last' | 'cpu', number[]> = { first: [], last: [], cpu: [] };
  for (let round = 0; round < runs; round += 1) {
    for (const way of ['millrace', 'sdk', 'bare'] as const) {
      const measured = await measureCost(way, database);
      cost[way].push(measured.usPerToken);
      if (way === 'millrace') lag.push(measured.lagP99Ms);
    }
    const inCrowd = await measureCrowd(database);
    crowd.first.push(inCrowd.first);
    crowd.last.push(inCrowd.last);
    crowd.cpu.push(inCrowd.cpuPercent);
    const now = await measureLatency(database, 0);
    lateness.first.push(now.first);
    lateness.firstOfMany.push(now.firstOfMany);
    lateness.p50.push(percentile(now.tokens, 0.5));
    lateness.p99.push(percentile(now.tokens, 0.99));
    const gathered = await measureLatency(database, 30);
    lateness.p50In30.push(percentile(gathered.tokens, 0.5));
    lateness.p99In30.push(percentile(gathered.tokens, 0.99));
  }
  const ours = cost.millrace.map((us, round) => us - (cost.bare[round] ?? 0));
  const ratio = cost.millrace.map((us, round) => us / (cost.sdk[round] ?? 1));
  return {
    figures: [
      {
        label: 'our share of a token',
        unit: 'µs',
        values: ours,
        goal: { atMost: 25 },
      },
      { label: 'CPU, ÷ streamText piped to as many viewers', unit: '×', values: ratio },
      { label: 'event loop late, p99', unit: 'ms', values: lag, goal: { atMost: 50 } },
      {
        label: 'first token, model socket to viewer, median',
        unit: 'ms',
        values: lateness.first,
        goal: { atMost: 10 },
      },
      {
        label: '… of ten answers asked for in the same moment',
        unit: 'ms',
        values: lateness.firstOfMany,
      },
      {
        label: 'token, no window, median',
        unit: 'ms',
        values: lateness.p50,
        goal: { atMost: 5 },
      },
      { label: 'token, no window, p99', unit: 'ms', values: lateness.p99 },
      { label: 'token, gathered over 30 ms, median', unit: 'ms', values: lateness.p50In30 },
      { label: 'token, gathered over 30 ms, p99', unit: 'ms', values: lateness.p99In30 },
      { label: `${crowdCount} runs of a generator, CPU`, unit: '% of a core', values: crowd.cpu },
      { label: '… event loop late, p99, at first', unit: 'ms', values: crowd.first },
      {
        label: '… event loop late, p99, at last',
        unit: 'ms',
        values: crowd.last,
        goal: { atMost: 50 },
      },
    ],
    comparisons: [
      {
        name: 'cpu',
        title: `CPU of the server for 1,000 tokens, ${viewers} viewers`,
        unit: 'ms',
        isMoreBetter: false,
        rows: Object.entries(WAYS).map(([way, label]) => ({
          label,
          isOwn: way === 'millrace',
          values: cost[way as Way],
          ratios: {
            'streamText piped': cost[way as Way].map((us, round) => us / (cost.sdk[round] ?? 1)),
          },
        })),
      },
    ],
  };
}

async function measureCost(
  way: Way,
  database: BenchServer,
): Promise<{ usPerToken: number; lagP99Ms: number }> {
  await using server = await startServer(database, {
    WAY: way,
    TOKENS_PER_S: `${perSecond}`,
    WINDOW_MS: '30',
  });
  const open = await beginAll(server, runCount, way === 'bare' ? 0 : viewers);
  await sleep(warmUpSeconds * 1_000);
  const before = await usageOf(server);
  await sleep(windowSeconds * 1_000);
  const after = await usageOf(server);
  for (const response of open) response.destroy();
  const tokens = after.tokens - before.tokens;
  const due = runCount * perSecond * windowSeconds;
  // A peer whose core is too small for it makes fewer; what each of them costs is a figure all the same.
  if (way === 'millrace' && tokens < due * 0.95) {
    throw new Error(`${way}: ${tokens} of ${due} tokens were made`);
  }
  return { usPerToken: ((after.cpuMs - before.cpuMs) * 1_000) / tokens, lagP99Ms: after.lagP99Ms };
}

async function measureCrowd(
  database: BenchServer,
): Promise<{ first: number; last: number; cpuPercent: number }> {
  await using server = await startServer(database, {
    WAY: 'generator',
    TOKENS_PER_S: `${perSecond}`,
    WINDOW_MS: '30',
  });
  const open = await beginAll(server, crowdCount, viewers);
  await sleep(warmUpSeconds * 1_000);
  const before = await usageOf(server);
  const lags: number[] = [];
  let after = before;
  for (let window = 0; window < 3; window += 1) {
    await sleep(windowSeconds * 1_000);
    after = await usageOf(server);
    lags.push(after.lagP99Ms);
  }
  for (const response of open) response.destroy();
  const seconds = 3 * windowSeconds;
  const due = crowdCount * perSecond * seconds;
  const tokens = after.tokens - before.tokens;
  if (tokens < due * 0.95) throw new Error(`a crowd made ${tokens} of ${due} tokens`);
  const cpuPercent = (after.cpuMs - before.cpuMs) / 10 / seconds;
  return { first: lags[0] ?? 0, last: lags.at(-1) ?? 0, cpuPercent };
}

async function beginAll(
  server: ServerProcess,
  count: number,
  viewersEach: number,
): Promise<readonly IncomingMessage[]> {
  const open: IncomingMessage[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = await begin(server);
    const seen = Array.from({ length: viewersEach }, () => view(server, id));
    for (const response of await Promise.all(seen)) open.push(response.resume());
  }
  return open;
}

async function measureLatency(
  database: BenchServer,
  windowMs: number,
): Promise<{ first: number; firstOfMany: number; tokens: number[] }> {
  await using model = await startStampingModel({ perSecond, tokens: 200 });
  await using server = await startServer(database, {
    WAY: 'millrace',
    MODEL_URL: model.url,
    WINDOW_MS: `${windowMs}`,
  });
  // One before, so that what is compiled at its first use is compiled.
  await watch(server);
  const watched = await watchTen(server, APART_MS);
  const atOnce = await watchTen(server, 0);
  return {
    first: medianOfFirst(watched),
    firstOfMany: medianOfFirst(atOnce),
    tokens: watched.flatMap((late) => late.slice(1)),
  };
}

function watchTen(server: ServerProcess, apartMs: number): Promise<readonly number[][]> {
  const watching = Array.from({ length: 10 }, async (_, index) => {
    await sleep(index * apartMs);
    return watch(server);
  });
  return Promise.all(watching);
}

function medianOfFirst(watched: readonly number[][]): number {
  return percentile(
    watched.flatMap((late) => late.slice(0, 1)),
    0.5,
  );
}

/** How late each token was, ms. */
async function watch(server: ServerProcess): Promise<number[]> {
  const late: number[] = [];
  const response = await view(server, await begin(server));
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const now = performance.now();
    text += chunk;
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      if (!block.includes('"text-delta"')) continue;
      for (const [, stamp] of block.matchAll(/(\d+\.\d{3}) /g)) late.push(now - Number(stamp));
    }
  });
  await until(() => response.complete, { label: 'the end of an answer', deadlineMs: 30_000 });
  return late;
}

/** On a database of its own: on the last one's it would take that one's runs over. */
async function startServer(
  { url }: BenchServer,
  env: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const database = new URL(url);
  database.pathname = `/${name}`;
  const server = await startServerProcess({
    entry: join(import.meta.dirname, 'servers', 'ai-runs.ts'),
    env: { DATABASE: database.href, VIEWERS: `${viewers}`, ...env },
    ready: { stdout: /listening/ },
  });
  execFileSync('taskset', ['-acp', SERVER_CORE, `${server.pid()}`]);
  return server;
}

async function begin({ url }: ServerProcess): Promise<string> {
  const response = await fetch(`${url}/run`, { method: 'POST' });
  return response.text();
}

function view({ url }: ServerProcess, id: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = get(`${url}/ui/${id}`, { agent: false }, resolve);
    request.on('error', reject);
  });
}

async function usageOf({ url }: ServerProcess): Promise<AiRunsUsage> {
  const response = await fetch(`${url}/usage`);
  const usage: AiRunsUsage = await response.json();
  return usage;
}
