// One run of promise T6: readers on every carrier stop reading, their connections stay open, and others read on beside
// them. The hub is a process of its own, so that its memory can be told from ours. Afterwards the stalled ones are let
// go and must have everything, exactly. Owns the run; the verdict is a list of problems beside the figures.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HubStats } from '@millrace/server';
import type { Published } from '../e2e/probe/check-record.ts';
import { probes } from '../e2e/probe/contract.ts';
import type { ServerProcess } from '../support/server-process.ts';
import { type ProbeNodesOptions, startProbeNodes } from './probe-nodes.ts';
import { startCrowd } from './stalled-crowd.ts';
import { openWideReaders, problemsOf, untilAllAt, WIDE, type WideReader } from './wide-readers.ts';

export interface SlowReadersOptions extends Pick<ProbeNodesOptions, 'cluster'> {
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

const CHANNEL = probes.of({ id: WIDE }).name;
/** Publishes of one POST: its body must stay under the limit of a frame. */
const MOST_EVENTS = 20;

export async function runSlowReaders(options: SlowReadersOptions): Promise<SlowReadersReport> {
  const { stalled, healthy, stalledMs, slowAfterMs, cluster, resuming = stalled } = options;
  await using servers = await startProbeNodes({
    cluster,
    env: {
      // V8 lets its young generation grow by up to 48 MB when it is busy, whoever reads or stalls.
      NODE_OPTIONS: '--max-semi-space-size=2',
      LIMITS: JSON.stringify({
        slowAfterMs,
        maxLinksPerAddress: 10_000,
        maxPublishesPerSecond: 100_000,
      }),
    },
  });
  const { nodes } = servers;
  const [server] = nodes;
  const targets = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  const urls = nodes.map(({ url }) => url);
  const watching = await openWideReaders(urls, healthy);
  await using closing = new AsyncDisposableStack();
  closing.defer(async () => {
    await Promise.all(watching.map(({ client }) => client.close()));
  });

  const publisher = startPublishing(server, options);
  // A rest for what was just started, then the figures without trouble.
  await sleep(1_500);
  const quietFrom = Date.now();
  await sleep(Math.min(4_000, stalledMs / 2));
  const quietTo = Date.now();
  // While nothing is published: a thousand that read everything would be more than one thread can.
  publisher.pause();
  await using crowd = await startCrowd({ targets, count: stalled, resuming });
  const rssBefore = await rssBytes(nodes);
  await crowd.stall();
  publisher.goOn();
  const stalledFrom = Date.now();
  let highest = rssBefore;
  while (Date.now() - stalledFrom < stalledMs) {
    await sleep(200);
    highest = Math.max(highest, await rssBytes(nodes));
  }
  const stalledTo = Date.now();
  await crowd.letGo();
  const published = await publisher.stop();
  const resumedFrom = Date.now();
  const resumedProblems = await crowd.judge(published, 60_000 + stalledMs / 2);
  const resumedMs = Date.now() - resumedFrom;
  await untilAllAt(watching, published.at(-1)?.offset ?? 0, 10_000);
  const closedAsSlow = await Promise.all(nodes.map(slowLinks));

  const grown = (highest - rssBefore) / 1e6;
  const allowed = 0.3 * 1.048576 * stalled + 50 * nodes.length;
  const live = watching.filter(({ carrier }) => carrier !== 'poll');
  return {
    published: published.length,
    p99BeforeMs: p99(live, quietFrom, quietTo),
    p99DuringMs: p99(live, stalledFrom, stalledTo),
    grownMegabytes: Math.round(grown * 10) / 10,
    allowedMegabytes: Math.round(allowed),
    closedAsSlow: closedAsSlow.reduce((sum, count) => sum + count),
    resumedMs,
    problems: [
      ...(grown > allowed ? [`the nodes grew by ${grown} MB`] : []),
      ...problemsOf(watching, published, { mayStall: false }),
      ...resumedProblems,
    ],
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

async function slowLinks({ url }: ServerProcess): Promise<number> {
  const { refused } = (await (await fetch(`${url}/stats`)).json()) as HubStats;
  return refused['link/slow'] ?? 0;
}

/** Resident memory of all processes. Linux only, as the pinned test machines are. */
async function rssBytes(nodes: readonly ServerProcess[]): Promise<number> {
  const each = await Promise.all(
    nodes.map(async (node) => {
      const status = await readFile(`/proc/${node.pid()}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
    }),
  );
  return each.reduce((sum, bytes) => sum + bytes);
}

function p99(readers: readonly WideReader[], fromMs: number, toMs: number): number {
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
