// Those who are present in one room while nodes die: some through the faulty network, some through a calm one that only
// the nodes' deaths disturb, and one on the node that is killed next, which cannot come back. Owns their clients and
// what each saw; what of it is wrong is judged here too, for times and promises are the same. Rules: PRES-4, PRES-7.

import { type Client, createClient } from '@millrace/client';
import { type ChannelPresence, presenceOf } from '@millrace/client/presence';
import { createFaultyProxy } from '../support/faulty-proxy.ts';
import type { Named } from '../support/named-schema.ts';
import type { Target } from '../support/proxy/upstream.ts';
import { until } from '../support/wait.ts';
import { rooms } from './contract.ts';
import type { Node } from './fleet.ts';

export interface Span {
  readonly fromMs: number;
  /** Infinity while it goes on. */
  untilMs: number;
}

export interface PresenceFindings {
  /** Times that a watcher saw somebody leave who was not asked to. */
  readonly leaves: number;
  /** Of these, those that an outage of the engine, of the member's own link or of the watcher's network explains. */
  readonly excusedLeaves: number;
  readonly ghosts: number;
  /** The longest that a killed node's session was seen after it, ms. */
  readonly slowestGhostMs: number;
  /** From the end of the trouble until all saw the same, ms. */
  readonly agreedMs: number;
  readonly problems: readonly string[];
}

export interface PresenceWatch extends AsyncDisposable {
  /** The calm network's targets, as nodes come and go. */
  setTargets(targets: readonly Target[]): void;
  /** One who is present through this node alone: it cannot come back once the node is killed. */
  haunt(node: Node): Promise<Ghost>;
  /** Waits until all watchers see exactly those who are there, then judges. */
  judge(options: {
    readonly outages: readonly Span[];
    readonly ghosts: readonly Ghost[];
  }): Promise<PresenceFindings>;
}

export interface Ghost {
  readonly name: string;
  readonly node: Node;
  /** Everybody has seen it. */
  isSeen(): boolean;
  /** Its node is about to be killed; its network is gone first. */
  leaveBehind(): void;
  readonly leftAtMs: number;
  close(): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly isCalm: boolean;
  readonly client: Client;
  readonly presence: ChannelPresence<Named, Named>;
  /** When its status was something else than open. */
  readonly offline: Span[];
  /** Who came (`true`) and went, as it was told. */
  readonly story: { readonly atMs: number; readonly name: string; readonly isThere: boolean }[];
  names(): readonly string[];
}

/** PRES-7, and what measuring and a busy machine add. */
const GHOST_MS = 10_000 + 2_000;
/** So long after an outage of the engine nodes may still take each other for dead. */
const AFTER_OUTAGE_MS = 15_000;
/** So long after an outage a node may still not hear the others again. */
const HEARING_MS = 5_000;
/** A member whose link was away for so long may be seen to leave; a killed node is noticed after some seconds. */
const AWAY_MS = 1_500;
const AGREE_MS = 5_000;

const room = rooms.of({ id: '1' });

export async function watchPresence(options: {
  readonly networkUrl: string;
  readonly nodes: readonly Node[];
  readonly members: number;
  readonly seed: number;
}): Promise<PresenceWatch> {
  const { networkUrl, nodes, seed } = options;
  const stack = new AsyncDisposableStack();
  const targets = nodes.map(({ target }) => target);
  const calm = stack.use(await createFaultyProxy({ target: targets, seed: seed + 1 }));
  const members = Array.from({ length: options.members }, (_, index) => {
    const isCalm = index % 2 === 0;
    const url = isCalm ? `${calm.url}/realtime` : networkUrl;
    return openMember({ name: `${isCalm ? 'calm' : 'rough'}-${index}`, isCalm, url });
  });
  stack.defer(async () => {
    await Promise.all(members.map(({ client }) => client.close()));
  });

  function seers(name: string): number {
    return members.filter((one) => one.isCalm && one.names().includes(name)).length;
  }

  async function haunt(node: Node): Promise<Ghost> {
    const network = await createFaultyProxy({ target: node.target });
    const name = `ghost-${node.index}-${Date.now()}`;
    const client = createClient({ url: `${network.url}/realtime`, beatMs: 2_000, onError });
    presenceOf(client, room).enter({ name });
    let leftAtMs = 0;
    return {
      name,
      node,
      isSeen: () => seers(name) === members.filter(({ isCalm }) => isCalm).length,
      leaveBehind() {
        leftAtMs = Date.now();
        network.freeze('all');
        network.setTarget(null);
      },
      get leftAtMs() {
        return leftAtMs;
      },
      async close() {
        await client.close();
        await network.close();
      },
    };
  }

  async function judge({ outages, ghosts }: Parameters<PresenceWatch['judge']>[0]) {
    const expected = members.map(({ name }) => name).sort();
    const isHaunted = (): boolean => ghosts.some(({ name }) => seers(name) > 0);
    const wrong = (): readonly string[] =>
      members
        .filter((one) => one.names().join() !== expected.join())
        .map((one) => `${one.name} sees ${one.names().join(' ') || 'nobody'}`);
    await until(() => !isHaunted(), { label: 'the ghosts to go', deadlineMs: GHOST_MS }).catch(
      () => undefined,
    );
    const from = Date.now();
    await until(() => members.every(isOpen), {
      label: 'links of all members',
      deadlineMs: 40_000,
    }).catch(() => undefined);
    await until(() => wrong().length === 0, {
      label: 'all to see the same',
      deadlineMs: AGREE_MS + 1_000,
    }).catch(() => undefined);
    const agreedMs = Date.now() - from;
    return { agreedMs, ...judgeStories(members, outages, ghosts, wrong()) };
  }

  return {
    setTargets: (next) => calm.setTarget(next),
    haunt,
    judge,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function judgeStories(
  members: readonly Member[],
  outages: readonly Span[],
  ghosts: readonly Ghost[],
  wrong: readonly string[],
): Omit<PresenceFindings, 'agreedMs'> {
  const problems = wrong.map((one) => `presence at the end: ${one}`);
  const byName = new Map(members.map((one) => [one.name, one]));
  const isOutage = (fromMs: number, untilMs: number): boolean =>
    outages.some((one) => one.fromMs <= untilMs && one.untilMs >= fromMs);
  let leaves = 0;
  let excusedLeaves = 0;
  for (const watcher of members) {
    for (const { atMs, name, isThere } of watcher.story) {
      const member = byName.get(name);
      if (isThere || member === undefined) continue;
      leaves += 1;
      const isExcused =
        !member.isCalm ||
        // What it sees may have been on its way for as long as its network was frozen.
        !watcher.isCalm ||
        isOutage(atMs - AFTER_OUTAGE_MS, atMs) ||
        wasAway(member, atMs - AFTER_OUTAGE_MS, atMs);
      if (isExcused) excusedLeaves += 1;
      else problems.push(`${watcher.name} saw ${name} leave at ${atMs}, which was there`);
    }
  }
  let slowestGhostMs = 0;
  let judged = 0;
  for (const ghost of ghosts) {
    if (ghost.leftAtMs === 0) continue;
    for (const watcher of members.filter(({ isCalm }) => isCalm)) {
      const told = watcher.story.filter(({ name }) => name === ghost.name);
      const last = told.at(-1);
      if (last === undefined) continue;
      const untilMs = last.isThere ? Date.now() : last.atMs;
      const goneMs = Math.max(0, untilMs - ghost.leftAtMs);
      const dueMs = ghost.leftAtMs + GHOST_MS;
      if (Date.now() < dueMs && last.isThere) continue;
      // Who is cut off itself, or whose nodes cannot hear each other, or have only just begun to, learns of it later: a
      // node that heard nothing for 5 s takes the others for alive for another lease (PRES-7).
      const fromMs = ghost.leftAtMs - HEARING_MS;
      if (isOutage(fromMs, dueMs) || wasAway(watcher, ghost.leftAtMs, dueMs)) continue;
      judged += 1;
      slowestGhostMs = Math.max(slowestGhostMs, goneMs);
      if (goneMs > GHOST_MS) {
        problems.push(
          `${watcher.name} saw ${ghost.name} for ${goneMs} ms after its node was killed`,
        );
      }
    }
  }
  return { leaves, excusedLeaves, ghosts: judged, slowestGhostMs, problems };
}

function openMember(options: {
  readonly name: string;
  readonly isCalm: boolean;
  readonly url: string;
}): Member {
  const { name, isCalm, url } = options;
  const client = createClient({ url, beatMs: 2_000, onError });
  const presence = presenceOf(client, room);
  const offline: Span[] = [{ fromMs: 0, untilMs: Number.POSITIVE_INFINITY }];
  const story: Member['story'] = [];
  let known = new Set<string>();
  const names = (): readonly string[] =>
    presence
      .getSnapshot()
      .members.map(({ data }) => data.name)
      .sort();
  client.status.subscribe(() => {
    const last = offline.at(-1);
    const isOpenNow = client.status.getSnapshot().status === 'open';
    const isAway = last?.untilMs === Number.POSITIVE_INFINITY;
    if (isOpenNow && isAway && last !== undefined) last.untilMs = Date.now();
    if (!isOpenNow && !isAway) {
      offline.push({ fromMs: Date.now(), untilMs: Number.POSITIVE_INFINITY });
    }
  });
  presence.subscribe(() => {
    const now = new Set(names());
    const atMs = Date.now();
    for (const one of now) if (!known.has(one)) story.push({ atMs, name: one, isThere: true });
    for (const one of known) if (!now.has(one)) story.push({ atMs, name: one, isThere: false });
    known = now;
  });
  presence.enter({ name });
  return { name, isCalm, client, presence, offline, story, names };
}

function isOpen({ client }: Member): boolean {
  return client.status.getSnapshot().status === 'open';
}

function wasAway({ offline }: Member, fromMs: number, untilMs: number): boolean {
  return offline.some(
    (one) => Math.min(one.untilMs, untilMs) - Math.max(one.fromMs, fromMs) > AWAY_MS,
  );
}

/** What a client's sink is told here is the trouble that the run makes. */
function onError(): void {}
