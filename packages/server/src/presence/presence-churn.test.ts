// Promise T13 on a clock that is moved by hand: hundreds of people with several tabs each, who come, go, break off and
// come back elsewhere, over nodes of which one dies. Nobody alive is seen to leave, nobody who left stays, and all nodes
// end up with the same.

import { expect, test } from 'vitest';
import { type Cluster, createCluster } from '../testing/presence-cluster.ts';

const ROOM = 'room:1';
const LEAVE_AFTER_MS = 5_000;
const USERS = 500;

interface Tab {
  readonly key: string;
  readonly user: string;
  link: number;
  /** Null while it has none. */
  node: string | null;
}

/** A repeatable sequence in [0, 1). */
function sequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 16)) >>> 0) / 0x1_0000_0000;
  };
}

/** People and their tabs, as they really are. */
class Crowd {
  readonly #cluster: Cluster;
  readonly #random: () => number;
  readonly #tabs = new Map<string, Tab>();
  /** What tabs that broke off do next, by time. */
  readonly #plans: { readonly at: number; readonly tab: Tab }[] = [];
  /** By user: how often it came, and when it had left with its last tab. */
  readonly arrivals = new Map<string, number>();
  readonly #leftAt = new Map<string, number[]>();
  #made = 0;

  constructor(cluster: Cluster, random: () => number) {
    this.#cluster = cluster;
    this.#random = random;
  }

  /** Everybody with a tab, also one that is on its way back. */
  get users(): string[] {
    return [...new Set([...this.#tabs.values()].map(({ user }) => user))].sort();
  }

  open(user: string): void {
    this.#made += 1;
    const tab: Tab = { key: `tab-${this.#made}`, user, link: 0, node: null };
    if (!this.#isHere(user)) this.arrivals.set(user, (this.arrivals.get(user) ?? 0) + 1);
    this.#tabs.set(tab.key, tab);
    this.#connect(tab);
  }

  /** One thing that happens to one of them. */
  happen(): void {
    const tabs = [...this.#tabs.values()].filter(({ node }) => node !== null);
    const tab = tabs[Math.floor(this.#random() * tabs.length)];
    if (tab === undefined) return;
    const chance = this.#random();
    if (chance < 0.25) this.#leave(tab);
    else if (chance < 0.5) this.#open(this.#random());
    else if (chance < 0.75) this.#breakOff(tab, 200 + this.#random() * 4_000);
    // To another carrier or node, without a break.
    else this.#connect(tab);
  }

  nodeDied(name: string): void {
    for (const tab of this.#tabs.values()) {
      if (tab.node !== name) continue;
      tab.node = null;
      // The backoff of a client whose server went away.
      this.#plans.push({ at: this.#cluster.now + 100 + this.#random() * 3_000, tab });
    }
  }

  /** Those who are due come back. */
  comeBack(): void {
    const due = this.#plans.filter(({ at }) => at <= this.#cluster.now);
    for (const plan of due) {
      this.#plans.splice(this.#plans.indexOf(plan), 1);
      if (this.#tabs.has(plan.tab.key)) this.#connect(plan.tab);
    }
  }

  /** Whether the user had really left by then, not longer ago than it takes to be seen (a tab that died with its node). */
  hadLeft(user: string, at: number): boolean {
    return (this.#leftAt.get(user) ?? []).some((leftAt) => leftAt <= at && at - leftAt <= 10_000);
  }

  get isSettled(): boolean {
    return this.#plans.length === 0;
  }

  #open(chance: number): void {
    this.open(`user-${Math.floor(chance * USERS)}`);
  }

  #connect(tab: Tab): void {
    const { nodes } = this.#cluster;
    const node = nodes[Math.floor(this.#random() * nodes.length)];
    if (node === undefined) return;
    const { key, user, node: old, link } = tab;
    tab.link += 1;
    tab.node = node;
    const wallMs = 1_000_000 + this.#cluster.now;
    this.#cluster.feed(node, {
      type: 'enter',
      channel: ROOM,
      key,
      user,
      link: tab.link,
      data: '1',
      wallMs,
    });
    // The old link closes once the new one stands.
    if (old !== null && old !== node) this.#detach(old, key, link);
  }

  #breakOff(tab: Tab, awayMs: number): void {
    if (tab.node !== null) this.#detach(tab.node, tab.key, tab.link);
    tab.node = null;
    this.#plans.push({ at: this.#cluster.now + awayMs, tab });
  }

  #leave(tab: Tab): void {
    if (tab.node === null) return;
    const { key, user, link } = tab;
    this.#cluster.feed(tab.node, { type: 'leave', channel: ROOM, key, user, link });
    this.#tabs.delete(key);
    if (this.#isHere(user)) return;
    this.#leftAt.set(user, [...(this.#leftAt.get(user) ?? []), this.#cluster.now]);
  }

  #isHere(user: string): boolean {
    for (const tab of this.#tabs.values()) if (tab.user === user) return true;
    return false;
  }

  #detach(node: string, key: string, link: number): void {
    if (!this.#cluster.nodes.includes(node)) return;
    this.#cluster.feed(node, { type: 'detach', channel: ROOM, key, link, awayMs: LEAVE_AFTER_MS });
  }
}

function live(cluster: Cluster, crowd: Crowd, random: () => number, ms: number): void {
  const end = cluster.now + ms;
  while (cluster.now < end) {
    for (let count = 1 + Math.floor(random() * 3); count > 0; count -= 1) crowd.happen();
    cluster.advance(50);
    crowd.comeBack();
  }
}

test.each([1, 2])(
  'PRES-3, PRES-4, PRES-7: 500 people with 1 to 4 tabs each come and go over four nodes, one of which dies (seed %i)',
  (seed) => {
    const random = sequence(seed);
    const cluster = createCluster({ random: sequence(seed + 100) });
    cluster.delayMs = 100;
    for (const name of ['a', 'b', 'c', 'd']) {
      cluster.start(name);
      cluster.watch(name, ROOM);
    }
    const crowd = new Crowd(cluster, random);
    for (let user = 0; user < USERS; user += 1) {
      for (let tabs = 1 + Math.floor(random() * 4); tabs > 0; tabs -= 1) crowd.open(`user-${user}`);
    }
    cluster.advance(2_000);
    live(cluster, crowd, random, 15_000);
    cluster.kill('d');
    crowd.nodeDied('d');
    live(cluster, crowd, random, 25_000);
    while (!crowd.isSettled) {
      cluster.advance(50);
      crowd.comeBack();
    }
    cluster.advance(5_000);
    const { users } = crowd;
    for (const name of cluster.nodes) expect(cluster.seen(name, ROOM)).toEqual(users);
    expect(new Set(cluster.nodes.map((name) => cluster.hash(name, ROOM))).size).toBe(1);

    const falseLeaves = cluster.sightings.filter(
      ({ user, step, at }) => step === 'went' && !crowd.hadLeft(user, at),
    );
    expect(falseLeaves).toEqual([]);
    for (const name of cluster.nodes) {
      for (const [user, arrivals] of crowd.arrivals) {
        const came = cluster.sightings.filter(
          (one) => one.node === name && one.user === user && one.step === 'came',
        );
        expect(came.length).toBeLessThanOrEqual(arrivals);
      }
    }
  },
);
