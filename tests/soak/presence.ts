// One run of promise T13: users with several tabs each, on three node processes and a real engine, who come and go while
// nodes are killed and links are cut; some of them in hidden pages, whose timers come once a minute. Six watchers write
// down what they saw. Owns the run; the verdict is a list of problems.

import { presenceOf } from '@millrace/client/presence';
import { type EngineKind, startNodes } from '../nodes/node-cluster.ts';
import { people } from '../nodes/people.ts';
import { watchRoom } from '../nodes/viewer.ts';
import { createFaultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';
import { createSeededRandom } from '../support/seeded-random.ts';
import { until } from '../support/wait.ts';
import { createCrowd } from './presence-people.ts';
import {
  createPresenceTruth,
  type PresenceFigures,
  type PresenceTruth,
  type Sighting,
} from './presence-truth.ts';

export interface PresenceRunOptions {
  readonly seed: number;
  readonly engine: EngineKind;
  readonly minutes: number;
  readonly users: number;
  readonly killsPerMinute: number;
  say(line: string): void;
}

export interface PresenceRun extends PresenceFigures {
  readonly seed: number;
  readonly engine: EngineKind;
  readonly users: number;
  readonly mostTabs: number;
  readonly kills: number;
  readonly cuts: number;
  /** From the last act until all watchers showed the same, and what is true. */
  readonly agreedMs: number;
  /** How late this process's own timers were at most: with a second or more the machine was too busy to judge by. */
  readonly lateMs: number;
}

const ACT_EVERY_MS = 80;
const CUT_EVERY_MS = 300;
/** The share of a killed node's people whose pages end with it. */
const LOST = 0.15;

export async function runPresence(options: PresenceRunOptions): Promise<PresenceRun> {
  const { seed, engine, minutes, users, killsPerMinute, say } = options;
  const random = createSeededRandom(seed);
  await using cluster = await startNodes(engine, 3);
  const doors = await Promise.all(
    cluster.nodes.map(({ port }) => createFaultyProxy({ target: { host: '127.0.0.1', port } })),
  );
  const startedAt = performance.now();
  const now = (): number => performance.now() - startedAt;
  const truth = createPresenceTruth();
  const urls = doors.map(({ url }) => url);
  const watchers = [...urls, ...urls].map((url, at) => openWatcher(url, `watcher-${at}`, now));
  await until(() => watchers.every(({ view }) => view().status === 'live'), { label: 'watchers' });

  const hiddenCount = Math.round(users / 10);
  const crowd = createCrowd({
    users: users - hiddenCount,
    random: random.fork(1),
    truth,
    doors: urls,
    now,
  });
  await crowd.hide(hiddenCount);
  const endAt = minutes * 60_000;
  const kills = planKills(endAt, killsPerMinute);
  let isKilling = false;
  let cuts = 0;
  let mostTabs = 0;
  let lateMs = 0;
  const killing = killNodes(kills);
  for (let cutAt = 0; now() < endAt; ) {
    if (!isKilling) crowd.act();
    mostTabs = Math.max(mostTabs, crowd.tabs);
    if (now() > cutAt) {
      cutAt = now() + CUT_EVERY_MS;
      cuts += cutOne(random.pick(doors.slice(1)));
    }
    const pausedAt = now();
    await pause(ACT_EVERY_MS);
    lateMs = Math.max(lateMs, now() - pausedAt - ACT_EVERY_MS);
  }
  await killing;
  say(`${crowd.tabs} tabs of ${truth.present().length} users, ${cuts} cuts, ${kills.length} kills`);

  const quietAt = performance.now();
  const present = truth.present().join();
  const isAgreed = (): boolean =>
    watchers.every((one) => one.ids() === present && one.text() === watchers[0]?.text());
  await until(isAgreed, { label: 'one view', deadlineMs: 15_000 }).catch(() => undefined);
  const agreedMs = Math.round(performance.now() - quietAt);
  const figures = truth.judge(watchers);
  const problems = [...figures.problems];
  if (!isAgreed()) problems.push(`no agreement: ${difference(watchers, present, truth)}`);
  else if (agreedMs > 5_000) problems.push(`agreed only after ${agreedMs} ms`);
  await crowd.close();
  await Promise.all(watchers.map((one) => one[Symbol.asyncDispose]()));
  await Promise.all(doors.map((door) => door.close()));
  return {
    seed,
    engine,
    users,
    mostTabs,
    kills: kills.length,
    cuts,
    agreedMs,
    lateMs: Math.round(lateMs),
    ...figures,
    problems,
  };

  async function killNodes(at: readonly number[]): Promise<void> {
    for (const [index, killAt] of at.entries()) {
      while (now() < killAt) await pause(100);
      const victim = 1 + (index % 2);
      const [node, door] = [cluster.nodes[victim], doors[victim]];
      const other = cluster.nodes[index % 4 < 2 ? 0 : 3 - victim];
      if (node === undefined || door === undefined || other === undefined) return;
      // What a node is told in its last moment, it may not have told.
      isKilling = true;
      await pause(300);
      door.setTarget({ host: '127.0.0.1', port: other.port });
      await node.kill('SIGKILL');
      truth.nodeKilled(now());
      crowd.lose(victim, LOST);
      isKilling = false;
      await pause(4_000);
      await node.restart();
      door.setTarget({ host: '127.0.0.1', port: node.port });
    }
  }
}

/** The last one early enough for its people to have gone by the end. */
function planKills(endAt: number, perMinute: number): readonly number[] {
  const count = Math.max(1, Math.round((endAt / 60_000) * perMinute));
  return Array.from({ length: count }, (_, at) => 10_000 + ((endAt - 30_000) / count) * at);
}

/** Never at the first door: a hidden page comes back with its timers, a minute later, and so has truly left. */
function cutOne(door: FaultyProxy): number {
  const open = door.connections().filter(({ isBusy }) => isBusy);
  const one = open.at(-1 - Math.floor(open.length / 3));
  return door.cut((connection) => connection.id === one?.id, { how: 'rst' });
}

function openWatcher(url: string, token: string, now: () => number) {
  const viewer = watchRoom(url, 'soak', { token });
  const sightings: Sighting[] = [];
  const gaps: { readonly from: number; to: number }[] = [];
  let carrier: string | null = null;
  viewer.client.status.subscribe(() => {
    const status = viewer.client.status.getSnapshot();
    const before = carrier;
    carrier = status.status === 'open' ? status.transport : null;
    const last = gaps.at(-1);
    if (before !== null && carrier === null)
      gaps.push({ from: now(), to: Number.POSITIVE_INFINITY });
    if (before === null && carrier !== null && last !== undefined) last.to = now();
    // A better carrier may lead to another node, which has been told of other things.
    if (before !== null && carrier !== null && before !== carrier)
      gaps.push({ from: now() - 3_000, to: now() });
  });
  let told = 0;
  const note = (): void => {
    for (; told < viewer.story.length; told += 1) {
      const step = viewer.story[told] ?? '';
      const user = step.slice(1);
      sightings.push({ at: now(), user, step: step.startsWith('+') ? 'came' : 'went' });
    }
  };
  presenceOf(viewer.client, people.of({ room: 'soak' })).subscribe(note);
  return {
    ...viewer,
    sightings,
    gaps,
    text: () => JSON.stringify(viewer.view().members),
  };
}

function difference(
  watchers: readonly { ids(): string }[],
  present: string,
  truth: PresenceTruth,
): string {
  const there = new Set(present.split(','));
  return watchers
    .map((one) => {
      const seen = new Set(one.ids().split(','));
      const missing = [...there].filter((id) => !seen.has(id));
      const extra = [...seen].filter((id) => !there.has(id));
      const acts = [...missing, ...extra].map((id) => `${id} did ${truth.actsOf(id)}`);
      return `missing ${missing.join(' ')}, too many ${extra.join(' ')}: ${acts.join('; ')}`;
    })
    .join('; ');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
