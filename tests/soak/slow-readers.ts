// One run of promise T6: readers on every carrier stop reading, their connections stay open, and others read on beside
// them. The hub is a process of its own, so that its memory can be told from ours. Afterwards the stalled ones are let
// go and must have everything, exactly. Owns the run; the verdict is a list of problems beside the figures.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Carrier, type Client, createClient } from '@millrace/client';
import type { HubStats } from '@millrace/server';
import { checkRecord, type Published } from '../e2e/probe/check-record.ts';
import { probes } from '../e2e/probe/contract.ts';
import { createRecorder, type Recorder } from '../e2e/probe/recorder.ts';
import { createFaultyProxy } from '../support/faulty-proxy.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { until } from '../support/wait.ts';

export interface SlowReadersOptions {
  /** Over the three carriers together, likewise the healthy ones. */
  readonly stalled: number;
  readonly healthy: number;
  readonly eventBytes: number;
  readonly eventsPerSecond: number;
  readonly stalledMs: number;
  /** So many of the stalled ones come back and must have everything; the others leave, having shown what they cost. Default all. */
  readonly resuming?: number;
  /** The hub's limit `slowAfterMs`. */
  readonly slowAfterMs: number;
}

export interface SlowReadersReport {
  readonly published: number;
  /** Of the healthy ones on WebSocket and SSE, ms: before and while others stall. */
  readonly p99BeforeMs: number;
  readonly p99DuringMs: number;
  readonly grownMegabytes: number;
  /** What the promise allows. */
  readonly allowedMegabytes: number;
  readonly closedAsSlow: number;
  readonly resumedMs: number;
  readonly problems: readonly string[];
}

const carriers: readonly Carrier[] = ['websocket', 'sse', 'poll'];
const CHANNEL = probes.of({ id: 'wide' }).name;
/** What its contract keeps. */
const KEPT = 50_000;
/** Publishes of one POST: its body must stay under the limit of a frame. */
const MOST_EVENTS = 20;

export async function runSlowReaders(options: SlowReadersOptions): Promise<SlowReadersReport> {
  const { stalled, healthy, stalledMs, slowAfterMs, resuming = stalled } = options;
  await using server = await startServerProcess({
    entry: join(import.meta.dirname, '../e2e/probe/main.ts'),
    env: {
      HAS_PAGE: 'no',
      // V8 lets its young generation grow by up to 48 MB when it is busy, whoever reads or stalls.
      NODE_OPTIONS: '--max-semi-space-size=2',
      LIMITS: JSON.stringify({
        slowAfterMs,
        maxLinksPerAddress: 10_000,
        maxPublishesPerSecond: 100_000,
      }),
    },
    ready: { stdout: /listening/ },
  });
  await using network = await createFaultyProxy({
    target: { host: '127.0.0.1', port: server.port },
  });
  const readers: Reader[] = [];
  await using closing = new AsyncDisposableStack();
  closing.defer(async () => {
    await Promise.all(readers.map(({ client }) => client.close()));
  });
  const areOpen = (): boolean =>
    readers.every(({ recorder }) => recorder.entries.some(({ kind }) => kind === 'verdict'));
  const open = async (url: string, count: number): Promise<readonly Reader[]> => {
    const opened = Array.from({ length: count }, (_, n) =>
      openReader(url, carriers[n % 3] ?? 'poll'),
    );
    readers.push(...opened);
    await until(areOpen, { label: 'all readers', deadlineMs: 60_000 });
    return opened;
  };
  const healthyReaders = await open(server.url, healthy);

  const publisher = startPublishing(server, options);
  // A rest for what was just started, then the figures without trouble.
  await sleep(1_500);
  const quietFrom = Date.now();
  await sleep(Math.min(4_000, stalledMs / 2));
  const quietTo = Date.now();
  // While nothing is published: a thousand that read everything would be more than this process can.
  publisher.pause();
  await open(network.url, stalled);
  const rssBefore = await rssBytes(server);
  network.freeze('all');
  publisher.goOn();
  const stalledFrom = Date.now();
  let highest = rssBefore;
  while (Date.now() - stalledFrom < stalledMs) {
    await sleep(200);
    highest = Math.max(highest, await rssBytes(server));
  }
  const stalledTo = Date.now();
  const leaving = readers.splice(healthy + resuming);
  await Promise.all(leaving.map(({ client }) => client.close()));
  network.unfreeze('all');
  const published = await publisher.stop();
  const resumedFrom = Date.now();
  const last = published.at(-1)?.offset ?? 0;
  await until(() => readers.every((one) => one.offset() >= last), {
    label: 'every reader to have everything',
    deadlineMs: 60_000,
    everyMs: 50,
    details: () => readers.map((one) => `${one.carrier} ${one.offset()} of ${last}`).join(', '),
  }).catch(() => undefined);
  const resumedMs = Date.now() - resumedFrom;
  const { refused } = (await (await fetch(`${server.url}/stats`)).json()) as HubStats;

  const grown = (highest - rssBefore) / 1e6;
  const allowed = 0.3 * 1.048576 * stalled + 50;
  const live = healthyReaders.filter(({ carrier }) => carrier !== 'poll');
  return {
    published: published.length,
    p99BeforeMs: p99(live, quietFrom, quietTo),
    p99DuringMs: p99(live, stalledFrom, stalledTo),
    grownMegabytes: Math.round(grown * 10) / 10,
    allowedMegabytes: Math.round(allowed),
    closedAsSlow: refused['link/slow'] ?? 0,
    resumedMs,
    problems: [
      ...(grown > allowed ? [`the hub grew by ${grown} MB`] : []),
      ...readers.flatMap(({ recorder, carrier }, n) =>
        checkRecord(recorder.entries, {
          channel: CHANNEL,
          published,
          // Who stalls for longer than the channel keeps is told so.
          gaps: n >= healthy && published.length > KEPT ? 'announced' : 'none',
        }).map(
          (problem) => `${n < healthy ? 'healthy' : 'stalled'} ${n} on ${carrier}: ${problem}`,
        ),
      ),
    ],
  };
}

interface Reader {
  readonly carrier: Carrier;
  readonly client: Client;
  readonly recorder: Recorder;
  offset(): number;
}

function openReader(url: string, carrier: Carrier): Reader {
  const recorder = createRecorder();
  const client = createClient({
    url: `${url}/realtime`,
    transports: [carrier],
    onError: ({ code, message }) =>
      recorder.entries.push({ kind: 'error', atMs: recorder.now(), code, message }),
  });
  recorder.watch(client);
  recorder.follow(client, { id: 'wide', start: 'now' });
  return {
    carrier,
    client,
    recorder,
    offset() {
      const event = recorder.entries.findLast(({ kind }) => kind === 'event');
      return event?.kind === 'event' ? event.offset : 0;
    },
  };
}

interface Publishing {
  pause(): void;
  goOn(): void;
  stop(): Promise<readonly Published[]>;
}

function startPublishing(
  server: ServerProcess,
  { eventBytes, eventsPerSecond }: SlowReadersOptions,
): Publishing {
  const pad = 'x'.repeat(eventBytes);
  const published: Published[] = [];
  let isStopped = false;
  let isPaused = false;
  async function run(): Promise<void> {
    let due = 0;
    let from = performance.now();
    while (!isStopped) {
      const now = performance.now();
      if (!isPaused) due += ((now - from) / 1_000) * eventsPerSecond;
      from = now;
      const count = Math.min(MOST_EVENTS, Math.floor(due) - published.length);
      if (count > 0) await publish(count);
      await sleep(5);
    }
  }
  async function publish(count: number): Promise<void> {
    const first = published.length + 1;
    const events = Array.from({ length: count }, (_, index) => ({
      channel: CHANNEL,
      event: { type: 'tick', data: { n: first + index, sentAt: Date.now(), pad } },
      // A kept connection may end just as it is used again: then the same is sent once more.
      key: `${first + index}`,
    }));
    const post = (): Promise<Response> =>
      fetch(`${server.url}/realtime/publish`, { method: 'POST', body: JSON.stringify({ events }) });
    const response = await post().catch(post);
    const { results } = (await response.json()) as { results: { cursor: string }[] };
    for (const [index, { cursor }] of results.entries()) {
      const [epoch = '', offset] = cursor.split('.');
      published.push({ n: first + index, epoch, offset: Number(offset) });
    }
  }
  const running = run();
  return {
    pause() {
      isPaused = true;
    },
    goOn() {
      isPaused = false;
    },
    async stop() {
      isStopped = true;
      await running;
      return published;
    },
  };
}

/** Resident memory of the process. Linux only, as the pinned test machines are. */
async function rssBytes(server: ServerProcess): Promise<number> {
  const status = await readFile(`/proc/${server.pid()}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

function p99(readers: readonly Reader[], fromMs: number, toMs: number): number {
  const delays = readers.flatMap(({ recorder }) =>
    recorder.entries.flatMap((entry) =>
      entry.kind === 'event' && entry.sentAt >= fromMs && entry.sentAt < toMs
        ? entry.atMs - entry.sentAt
        : [],
    ),
  );
  delays.sort((a, b) => a - b);
  return Math.round((delays[Math.floor(delays.length * 0.99)] ?? Number.NaN) * 10) / 10;
}
