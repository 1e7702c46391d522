// One run of the test bed: nodes on one engine, clients and publishers that reach them through a network that breaks by a
// seed, and trouble of nodes and engine beside it. Owns the run; the verdict is a list of problems, empty when every
// promise held. Rules: EVT-1, SUB-2, LOG-15, LOG-16, PRES-7.

import { channelIds, openReaders, type Reader } from '../soak/readers.ts';
import { changeWeather, faultsOf, LONG_MS } from '../soak/weather.ts';
import { createChaos } from '../support/chaos.ts';
import { createFaultyProxy } from '../support/faulty-proxy.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { until } from '../support/wait.ts';
import type { Draw } from './draw.ts';
import { ANSWER_WITHIN_MS } from './engines/open.ts';
import { startTestedEngine } from './engines/tested.ts';
import { startFleet } from './fleet.ts';
import { awaitHeads, type Judgement, judge } from './judge.ts';
import { type PresenceFindings, type Span, watchPresence } from './presence-watch.ts';
import { startPublishers } from './publishers.ts';
import { makeTrouble } from './trouble.ts';

export interface ClusterRunOptions extends Draw {
  readonly seed: number;
  /** Of trouble; start and healing come on top. */
  readonly durationMs: number;
  readonly clients: number;
  readonly channels: number;
  readonly perSecond: number;
  readonly publishers: number;
  readonly members: number;
  readonly killEveryMs: number;
  readonly say?: (line: string) => void;
  /** Told the whole record of a reader with a problem, and what was acknowledged, to find out why. */
  readonly onBroken?: (what: string, entries: readonly unknown[]) => void;
}

export interface ClusterReport extends Draw, Judgement {
  readonly seed: number;
  readonly published: number;
  /** From the end of the trouble until every reader had everything, ms. */
  readonly healedMs: number;
  /** The longest that a node took to answer a publish, ms. */
  readonly slowestAnswerMs: number;
  /** Attempts to publish that were not answered with a cursor, by what was told. */
  readonly refusals: Readonly<Record<string, number>>;
  readonly dialsPerSecond: number;
  /** How often the machine gave a node no turn for a second. */
  readonly stalls: number;
  readonly presence: Omit<PresenceFindings, 'problems'>;
  readonly faults: Readonly<Record<string, number>>;
}

/** What a busy machine adds to an answer that is due. */
const MARGIN_MS = 4_000;

export async function runCluster(options: ClusterRunOptions): Promise<ClusterReport> {
  const { seed, durationMs, engine: kind, nodes, carriers, say = () => undefined } = options;
  const isLong = durationMs >= LONG_MS;
  const random = createSeededRandom(seed);
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(
    await startTestedEngine(kind, nodes, {
      freezeMs: isLong ? [2_000, 30_000] : [1_000, 6_000],
      awayMs: isLong ? [200, 5_000] : [100, 2_000],
    }),
  );
  const fleet = stack.use(await startFleet(engine, nodes));
  const targets = () => fleet.live().map(({ target }) => target);
  const network = stack.use(await createFaultyProxy({ target: targets(), seed }));
  const networkUrl = `${network.url}/realtime`;
  say(`seed ${seed}: ${kind}, ${nodes} nodes, ${carriers}`);

  const ids = channelIds(options.channels);
  const readers = openReaders({
    url: networkUrl,
    count: options.clients,
    ids,
    random,
    lateMs: durationMs * 0.8,
    share: Math.min(0.6, 5 / options.channels),
    ...(carriers === 'mixed' ? {} : { carriers: [[carriers]] }),
  });
  stack.defer(() => closeAll(readers));
  const presence = stack.use(
    await watchPresence({ networkUrl, nodes: fleet.nodes, members: options.members, seed }),
  );
  const publishers = startPublishers({
    count: options.publishers,
    ids,
    perSecond: options.perSecond,
    random: random.fork(1),
    networkUrl,
    live: fleet.live,
    // Its own bound, after that of the batch under way when it came.
    answeredWithinMs: 2 * ANSWER_WITHIN_MS + MARGIN_MS,
  });
  await until(() => publishers.acknowledged.length > 0, { label: 'a first', deadlineMs: 20_000 });

  const chaos = createChaos({
    proxy: network,
    seed,
    everyMs: isLong ? [2_000, 10_000] : [1_500, 8_000],
    faults: faultsOf(durationMs),
    acts: [
      {
        label: 'weather',
        everyMs: [2_000, 5_000],
        run: (draw) => changeWeather(network, draw, { losesResponses: true }),
      },
    ],
  });
  const trouble = await makeTrouble({
    seed,
    durationMs,
    times: {
      killEveryMs: options.killEveryMs,
      engineEveryMs: isLong ? [8_000, 25_000] : [1_500, 5_000],
      cutForMs: isLong ? [2_000, 10_000] : [1_000, 4_000],
    },
    fleet,
    engine,
    presence,
    onNodes() {
      const live = targets();
      network.setTarget(live);
      presence.setTargets(live);
    },
    say,
  });
  await chaos.stop();
  network.setRules({});
  say(`trouble is over, ${chaos.history.length} faults of the network`);

  // The one whose node was not killed leaves like anybody.
  await Promise.all(trouble.ghosts.map((ghost) => ghost.close()));
  const healedFrom = Date.now();
  await publishers.stop(30_000);
  const unanswered = publishers.pending().map((one) => `never answered: ${one}`);
  const { logs, late } = await awaitHeads(fleet, ids, readers);
  const healedMs = Date.now() - healedFrom;
  say(`all have everything after ${healedMs} ms`);
  const { acknowledged, attempts } = publishers;
  const judgement = await judge({
    ids,
    readers,
    acknowledged,
    logs,
    lossUntilMs: trouble.lossUntilMs,
    newEpochs: trouble.newEpochs,
    mayReturn: kind === 'sentinel',
  });
  if (options.onBroken !== undefined && judgement.problems.length > 0) {
    options.onBroken('acknowledged', acknowledged);
    for (const { label, entries } of readers) {
      if (judgement.problems.some((problem) => problem.startsWith(label))) {
        options.onBroken(label, await entries());
      }
    }
  }
  const stalls = await fleet.stalls();
  const presenceFindings = await presence.judge({
    ghosts: trouble.ghosts,
    outages: [
      ...trouble.outages,
      ...stalls.map((atMs): Span => ({ fromMs: atMs - 1_000, untilMs: atMs })),
    ],
  });
  const { problems: presenceProblems, ...present } = presenceFindings;
  const faults = new Map(trouble.counts);
  for (const { what } of chaos.history) faults.set(what, (faults.get(what) ?? 0) + 1);
  return {
    seed,
    engine: kind,
    nodes,
    carriers,
    published: acknowledged.length,
    ...judgement,
    healedMs,
    slowestAnswerMs: attempts.slowestMs,
    refusals: Object.fromEntries(attempts.failures),
    dialsPerSecond: trouble.dialsPerSecond,
    stalls: stalls.length,
    presence: present,
    faults: Object.fromEntries([...faults].sort(([a], [b]) => (a < b ? -1 : 1))),
    problems: [
      ...unanswered,
      ...late,
      ...attempts.problems,
      ...trouble.problems,
      ...judgement.problems,
      ...presenceProblems,
      ...fleet.broken.slice(trouble.problems.length),
    ],
  };
}

async function closeAll(readers: readonly Reader[]): Promise<void> {
  for (const { client } of readers) await client?.close();
}
