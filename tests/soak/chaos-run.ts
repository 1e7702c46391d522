// One run of promise T1: clients on every mix of carriers, and a page if there is a browser, follow
// channels through a network that breaks by a seed, while the server is killed (kill -9) and
// started again on its database. Owns the run; the verdict is a list of problems, empty when every
// reader's record equals what was published.

import { join } from 'node:path';
import { createClient } from '@millrace/client';
import { openProbe, type ProbePage } from '../e2e/probe/open-probe.ts';
import { httpPublish, startPublisher } from '../e2e/probe/publisher.ts';
import { createChaos } from '../support/chaos.ts';
import type { Chromium } from '../support/chromium.ts';
import { createFaultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';
import { createSeededRandom, type SeededRandom } from '../support/seeded-random.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { tempFolder } from '../support/wait.ts';
import { awaitHeads, type ChannelPublisher, type Judgement, judge } from './chaos-judge.ts';
import {
  channelIds,
  channelOf,
  kindOf,
  openReaders,
  type Reader,
  subscription,
} from './readers.ts';
import { changeWeather, faultsOf, LONG_MS } from './weather.ts';

export interface ChaosRunOptions {
  readonly seed: number;
  /** Of trouble; start and healing come on top. */
  readonly durationMs: number;
  readonly clients: number;
  readonly channels: number;
  /** Time between two publishes of each channel, ms. */
  readonly publishEveryMs: number;
  /** The server is killed this often, evenly over the run. */
  readonly kills: number;
  /** Default pglite. With memory a killed server forgets, and each reader must be told so. */
  readonly engine?: 'memory' | 'pglite';
  /** A page follows too when given. */
  readonly chromium?: Chromium;
  /** Told what happens, a line each. */
  readonly onProgress?: (line: string) => void;
}

export interface ChaosReport extends Judgement {
  readonly seed: number;
  readonly engine: string;
  readonly published: number;
  readonly faults: number;
  readonly kills: number;
  /** From the end of the trouble until every reader had everything, ms. */
  readonly healedMs: number;
}

export async function runChaos(options: ChaosRunOptions): Promise<ChaosReport> {
  const { seed, durationMs, engine = 'pglite', onProgress = () => undefined } = options;
  const random = createSeededRandom(seed);
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempFolder());
  const server = stack.use(await startServer(engine, join(folder.path, 'db')));
  const target = { host: '127.0.0.1', port: server.port };
  const network = stack.use(await createFaultyProxy({ target, seed }));

  const ids = channelIds(options.channels);
  const publishers = startPublishers(server, network, ids, options.publishEveryMs);
  const readers = [
    ...openReaders({
      url: `${network.url}/realtime`,
      count: options.clients,
      ids,
      random,
      lateMs: durationMs * 0.8,
    }),
  ];
  stack.defer(async () => {
    for (const { client } of readers) await client?.close();
  });
  if (options.chromium !== undefined) {
    const page = stack.use(
      await openProbe(options.chromium, network.url, {
        subscriptions: ids.map(subscription),
        beatMs: 2_000,
      }),
    );
    readers.push(pageReader(page, ids));
  }

  const kills = planKills(server, options, random, onProgress);
  const chaos = createChaos({
    proxy: network,
    seed,
    everyMs: durationMs >= LONG_MS ? [2_000, 10_000] : [1_500, 8_000],
    faults: faultsOf(durationMs),
    acts: [
      { label: 'weather', everyMs: [2_000, 5_000], run: (draw) => changeWeather(network, draw) },
    ],
  });
  await kills.done;
  await chaos.stop();
  network.setRules({});
  onProgress(
    `trouble is over after ${Math.round(durationMs / 1_000)} s, ${chaos.history.length} faults`,
  );

  const healedFrom = Date.now();
  await Promise.all(publishers.map((each) => each.publisher.stop()));
  const late = await awaitHeads(readers, publishers);
  const healedMs = Date.now() - healedFrom;
  const { problems, ...told } = await judge(readers, publishers, engine);
  const published = publishers.reduce((sum, { publisher }) => sum + publisher.accepted.length, 0);
  return {
    seed,
    engine,
    published,
    ...told,
    faults: chaos.history.length,
    kills: kills.count(),
    healedMs,
    problems: [...late, ...problems],
  };
}

function startServer(kind: 'memory' | 'pglite', folder: string): Promise<ServerProcess> {
  return startServerProcess({
    entry: join(import.meta.dirname, '../e2e/probe/main.ts'),
    env: { ENGINE: JSON.stringify(kind === 'memory' ? { kind } : { kind, folder }) },
    ready: { stdout: /listening/ },
  });
}

/** Half of the channels are published by HTTP, the rest over a client's own `publish` through the same network. */
function startPublishers(
  server: ServerProcess,
  network: FaultyProxy,
  ids: readonly string[],
  everyMs: number,
): readonly ChannelPublisher[] {
  const client = createClient({
    url: `${network.url}/realtime`,
    beatMs: 2_000,
    onError: () => undefined,
  });
  return ids.map((id, index) => {
    const viaHttp = httpPublish({
      url: `${server.url}/realtime`,
      id,
      deadlineMs: 60_000,
      kind: kindOf(id),
    });
    const channel = channelOf(id);
    const publish =
      (index + Math.floor(index / 4)) % 2 === 0
        ? viaHttp
        : (n: number) =>
            client.publish(
              channel,
              { type: 'tick', data: { n, sentAt: Date.now() } },
              { key: `client-${n}` },
            );
    const publisher = startPublisher(publish, { everyMs });
    return { id, publisher };
  });
}

function pageReader({ tab, test }: ProbePage, ids: readonly string[]): Reader {
  return {
    label: 'page',
    ids,
    client: undefined,
    async entries() {
      if (test.pageErrors.length > 0) throw new Error(`the page threw: ${test.pageErrors[0]}`);
      return tab.entries();
    },
  };
}

/** Kills spread over the run with some jitter; `done` is the end of the run. */
function planKills(
  server: ServerProcess,
  { durationMs, kills }: ChaosRunOptions,
  random: SeededRandom,
  onProgress: (line: string) => void,
): { readonly done: Promise<void>; count(): number } {
  let killed = 0;
  async function run(): Promise<void> {
    const beganAt = Date.now();
    for (let n = 1; n <= kills; n += 1) {
      const share = (n - 0.5 + (random.next() - 0.5) / 2) / kills;
      await reached(beganAt + durationMs * share);
      // The first one is always a kill; a server that leaves in order must lose nothing either.
      const how = n === 1 ? 'SIGKILL' : random.pick(['SIGKILL', 'SIGKILL', 'SIGTERM'] as const);
      await server.restart(how);
      killed += 1;
      onProgress(`${how} and started again after ${Math.round((Date.now() - beganAt) / 1_000)} s`);
    }
    await reached(beganAt + durationMs);
  }
  return { done: run(), count: () => killed };
}

function reached(at: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, at - Date.now())));
}
