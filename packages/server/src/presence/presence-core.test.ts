// Presence between nodes, on a clock that is moved by hand and a bus that loses and delays.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cluster, createCluster } from '../testing/presence-cluster.ts';

const ROOM = 'room:1';

/** A repeatable sequence; small, and good enough for delays and losses. */
function sequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 16)) >>> 0) / 0x1_0000_0000;
  };
}

function startCluster(names: readonly string[], seed = 1): Cluster {
  const cluster = createCluster({ random: sequence(seed) });
  for (const name of names) {
    cluster.start(name);
    cluster.watch(name, ROOM);
  }
  cluster.advance(500);
  return cluster;
}

function enter(
  cluster: Cluster,
  node: string,
  user: string,
  tab = 'a',
  link = 1,
  data = '1',
): void {
  const key = `${user}-${tab}`;
  const wallMs = 1_000_000 + cluster.now;
  cluster.feed(node, { type: 'enter', channel: ROOM, key, user, link, data, wallMs });
}

function leave(cluster: Cluster, node: string, user: string, tab = 'a', link = 1): void {
  cluster.feed(node, { type: 'leave', channel: ROOM, key: `${user}-${tab}`, user, link });
}

function cut(cluster: Cluster, node: string, user: string, tab = 'a', link = 1): void {
  const key = `${user}-${tab}`;
  cluster.feed(node, { type: 'detach', channel: ROOM, key, link, awayMs: 5_000 });
}

const steps = (cluster: Cluster, node: string, user: string): string[] =>
  cluster.sightings.flatMap((one) => (one.node === node && one.user === user ? [one.step] : []));

describe('between nodes', () => {
  test('PRES-3: a user joins with its first tab and leaves with its last, once, on every node', () => {
    const cluster = startCluster(['a', 'b', 'c']);
    enter(cluster, 'a', 'ada', '1');
    enter(cluster, 'b', 'ada', '2');
    cluster.advance(500);
    leave(cluster, 'a', 'ada', '1');
    cluster.advance(500);
    for (const node of cluster.nodes) expect(steps(cluster, node, 'ada')).toEqual(['came']);
    leave(cluster, 'b', 'ada', '2');
    cluster.advance(500);
    for (const node of cluster.nodes) expect(steps(cluster, node, 'ada')).toEqual(['came', 'went']);
  });

  test('PRES-3: who leaves one node while it comes to another is seen to do neither', () => {
    const cluster = startCluster(['a', 'b', 'c']);
    cluster.delayMs = 200;
    enter(cluster, 'a', 'ada', '1');
    cluster.advance(1_000);
    leave(cluster, 'a', 'ada', '1');
    // Before either node has heard of the other's news.
    enter(cluster, 'b', 'ada', '2');
    cluster.advance(2_000);
    for (const node of cluster.nodes) expect(steps(cluster, node, 'ada')).toEqual(['came']);
  });

  test('PRES-3: of a user with very many sessions the newest twenty are shown, the same on every node', () => {
    const cluster = startCluster(['a', 'b']);
    for (let tab = 10; tab < 40; tab += 1) {
      enter(cluster, tab % 2 === 0 ? 'a' : 'b', 'ada', `${tab}`);
      cluster.advance(100);
    }
    cluster.advance(2_000);
    const newest = Array.from({ length: 20 }, (_, at) => ({ id: `ada-${at + 20}` }));
    for (const node of cluster.nodes) {
      expect(membersAt(cluster, node)).toMatchObject([{ id: 'ada', sessions: newest }]);
      expect(cluster.hash(node, ROOM)).toBe(cluster.hash('a', ROOM));
    }
  });

  test('PRES-3: since when a user is present outlives the tab it came with', () => {
    const cluster = startCluster(['a', 'b']);
    enter(cluster, 'a', 'ada', '1');
    cluster.advance(3_000);
    enter(cluster, 'b', 'ada', '2');
    cluster.advance(500);
    leave(cluster, 'a', 'ada', '1');
    cluster.advance(500);
    expect(membersAt(cluster, 'a')).toMatchObject([{ id: 'ada', since: 1_000_500 }]);
    expect(cluster.hash('a', ROOM)).toBe(cluster.hash('b', ROOM));
  });

  test('PRES-4: a link that ends takes its session with it 5 s later, a leave at once', () => {
    const cluster = startCluster(['a', 'b']);
    enter(cluster, 'a', 'ada');
    enter(cluster, 'a', 'bob');
    cluster.advance(500);
    cut(cluster, 'a', 'ada');
    leave(cluster, 'a', 'bob');
    cluster.advance(500);
    expect(cluster.seen('b', ROOM)).toEqual(['ada']);
    cluster.advance(4_250);
    expect(cluster.seen('b', ROOM)).toEqual(['ada']);
    cluster.advance(1_000);
    expect(cluster.seen('b', ROOM)).toEqual([]);
  });

  test('PRES-4: a session that comes back in time, here or on another node, is seen to do nothing', () => {
    const cluster = startCluster(['a', 'b', 'c']);
    cluster.delayMs = 300;
    enter(cluster, 'a', 'ada');
    enter(cluster, 'a', 'bob');
    cluster.advance(1_000);
    cut(cluster, 'a', 'ada');
    cut(cluster, 'a', 'bob');
    cluster.advance(4_000);
    enter(cluster, 'b', 'ada', 'a', 2);
    enter(cluster, 'a', 'bob', 'a', 2);
    cluster.advance(20_000);
    for (const node of cluster.nodes) {
      expect(cluster.seen(node, ROOM)).toEqual(['ada', 'bob']);
      expect(steps(cluster, node, 'ada')).toEqual(['came']);
      expect(steps(cluster, node, 'bob')).toEqual(['came']);
      expect(membersAt(cluster, node)[0]).toMatchObject({ since: 1_000_500 });
    }
  });

  test('PRES-4: who moved from a node that was killed leaves at once, and not with its lease', () => {
    const cluster = startCluster(['a', 'b', 'c']);
    enter(cluster, 'a', 'ada');
    enter(cluster, 'a', 'bob');
    cluster.advance(3_000);
    cluster.kill('a');
    cluster.advance(500);
    enter(cluster, 'b', 'ada', 'a', 2);
    cluster.advance(500);
    leave(cluster, 'b', 'ada', 'a', 2);
    // A request that came to a node which does not hold it.
    leave(cluster, 'c', 'bob', 'a', 1);
    cluster.advance(500);
    for (const node of cluster.nodes) expect(cluster.seen(node, ROOM)).toEqual([]);
    enter(cluster, 'b', 'ada', 'a', 2);
    enter(cluster, 'c', 'bob', 'a', 2);
    cluster.advance(10_000);
    for (const node of cluster.nodes) {
      expect(cluster.seen(node, ROOM)).toEqual(['ada', 'bob']);
      expect(steps(cluster, node, 'ada')).toEqual(['came', 'went', 'came']);
      expect(cluster.hash(node, ROOM)).toBe(cluster.hash('b', ROOM));
    }
  });

  test('PRES-4: an explicit leave finds the session wherever it is held, and a late one does not end what came after it', () => {
    const cluster = startCluster(['a', 'b', 'c']);
    enter(cluster, 'a', 'ada', 'a', 3);
    cluster.advance(500);
    leave(cluster, 'b', 'ada', 'a', 2);
    cluster.advance(500);
    expect(cluster.seen('c', ROOM)).toEqual(['ada']);
    leave(cluster, 'b', 'ada', 'a', 4);
    cluster.advance(500);
    expect(cluster.seen('c', ROOM)).toEqual([]);
  });

  test('PRES-5: a session that two nodes hold is there once, with the data of its newer link', () => {
    const cluster = startCluster(['a', 'b']);
    enter(cluster, 'a', 'ada', 'a', 1, '"old"');
    cluster.advance(500);
    // The old link is half open: nobody has told its node that it ended.
    enter(cluster, 'b', 'ada', 'a', 2, '"new"');
    cluster.advance(500);
    for (const node of cluster.nodes) {
      expect(membersAt(cluster, node)).toMatchObject([{ id: 'ada', sessions: [{ data: 'new' }] }]);
    }
    cluster.advance(2_000);
    cut(cluster, 'b', 'ada', 'a', 2);
    cluster.advance(5_500);
    expect(cluster.seen('a', ROOM)).toEqual([]);
  });

  test('PRES-5: a guest who signs in changes members; another user does not take over the session', () => {
    const cluster = startCluster(['a', 'b']);
    const guest = { type: 'enter', channel: ROOM, key: 'k', data: '1', wallMs: 1 } as const;
    cluster.feed('a', { ...guest, user: 'guest:k', link: 1 });
    cluster.advance(500);
    cluster.feed('b', { ...guest, user: 'ada', link: 2 });
    cluster.advance(2_000);
    expect(cluster.seen('a', ROOM)).toEqual(['ada']);
    cluster.feed('a', { ...guest, user: 'eve', link: 3 });
    cluster.advance(2_000);
    expect(cluster.seen('b', ROOM)).toEqual(['ada', 'eve']);
  });

  test('PRES-7: a killed node has nobody 10 s later, one that closes leaves its sessions their time', () => {
    const cluster = startCluster(['a', 'b', 'c']);
    enter(cluster, 'a', 'ada');
    enter(cluster, 'b', 'bob');
    cluster.advance(3_000);
    cluster.kill('a');
    cluster.close('b', 5_000);
    cluster.advance(4_500);
    expect(cluster.seen('c', ROOM)).toEqual(['ada', 'bob']);
    cluster.advance(1_000);
    expect(cluster.seen('c', ROOM)).toEqual(['ada']);
    cluster.advance(4_500);
    expect(cluster.seen('c', ROOM)).toEqual([]);
  });

  test('PRES-7: sessions of a killed node that turn up elsewhere in time are seen to do nothing', () => {
    const cluster = startCluster(['a', 'b', 'c']);
    for (const user of ['ada', 'bob', 'cy']) enter(cluster, 'a', user);
    cluster.advance(3_000);
    cluster.kill('a');
    cluster.advance(3_000);
    for (const user of ['ada', 'bob', 'cy']) enter(cluster, 'b', user, 'a', 2);
    cluster.advance(20_000);
    expect(cluster.seen('c', ROOM)).toEqual(['ada', 'bob', 'cy']);
    expect(cluster.sightings.filter(({ step }) => step === 'went')).toEqual([]);
  });

  test('PRES-7: a node that stood still for half a minute comes back with everybody, and lets nobody go that lived on', () => {
    const cluster = startCluster(['a', 'b']);
    enter(cluster, 'a', 'ada');
    enter(cluster, 'b', 'bob');
    cluster.advance(3_000);
    cluster.freeze('a', true);
    cluster.advance(30_000);
    expect(cluster.seen('b', ROOM)).toEqual(['bob']);
    cluster.freeze('a', false);
    cluster.advance(5_000);
    expect(cluster.seen('a', ROOM)).toEqual(['ada', 'bob']);
    expect(cluster.seen('b', ROOM)).toEqual(['ada', 'bob']);
    expect(steps(cluster, 'a', 'bob')).toEqual(['came']);
  });

  test('PRES-7: a node that is busy for some seconds lets a killed one go in time, and nobody that was as busy', () => {
    const cluster = startCluster(['a', 'b', 'c']);
    enter(cluster, 'a', 'ada');
    enter(cluster, 'b', 'bob');
    cluster.advance(3_000);
    cluster.kill('a');
    cluster.freeze('b', true);
    cluster.advance(4_000);
    cluster.freeze('c', true);
    cluster.advance(2_000);
    cluster.freeze('b', false);
    cluster.freeze('c', false);
    cluster.advance(4_000);
    expect(cluster.seen('c', ROOM)).toEqual(['bob']);
    expect(steps(cluster, 'c', 'bob')).toEqual(['came']);
  });

  test('PRES-9: a change whose message is lost is found by the next beat and healed', () => {
    const cluster = startCluster(['a', 'b']);
    enter(cluster, 'a', 'ada');
    cluster.advance(500);
    cluster.loss = 1;
    leave(cluster, 'a', 'ada');
    enter(cluster, 'a', 'bob');
    cluster.advance(100);
    cluster.loss = 0;
    expect(cluster.seen('b', ROOM)).toEqual(['ada']);
    cluster.advance(3_500);
    expect(cluster.seen('b', ROOM)).toEqual(['bob']);
  });

  test('PRES-9: a channel whose end nobody heard of is gone once its node has named all that it has', () => {
    const cluster = startCluster(['a', 'b']);
    cluster.feed('a', { type: 'unwatch', channel: ROOM });
    enter(cluster, 'a', 'ada');
    cluster.advance(500);
    cluster.loss = 1;
    leave(cluster, 'a', 'ada');
    // Long enough for the beat that names it, too short for the lease.
    cluster.advance(4_000);
    cluster.loss = 0;
    expect(cluster.seen('b', ROOM)).toEqual(['ada']);
    cluster.advance(3_000);
    expect(cluster.seen('b', ROOM)).toEqual([]);
  });

  test('PRES-9: who begins to watch gets a room of a thousand in messages of at most 8,000 bytes', () => {
    const cluster = startCluster(['a']);
    const data = JSON.stringify('é'.repeat(100));
    for (let at = 0; at < 1_000; at += 1) enter(cluster, 'a', `user-${at}`, 'a', 1, data);
    cluster.advance(500);
    cluster.start('b');
    cluster.watch('b', ROOM);
    cluster.advance(1_000);
    expect(cluster.seen('b', ROOM)).toHaveLength(1_000);
    expect(cluster.hash('b', ROOM)).toBe(cluster.hash('a', ROOM));
    expect(cluster.largestBytes).toBeLessThan(8_000);
  });

  test('PRES-9: nodes without anybody are silent, and each with rooms at rest tells some bytes a second', () => {
    const cluster = startCluster(['a', 'b']);
    cluster.advance(10_000);
    const asked = cluster.toldBytes;
    cluster.advance(60_000);
    expect(cluster.toldBytes).toBe(asked);
    for (let at = 0; at < 100; at += 1) enter(cluster, 'a', `user-${at}`);
    cluster.advance(30_000);
    const before = cluster.toldBytes;
    cluster.advance(120_000);
    expect((cluster.toldBytes - before) / 120 / cluster.nodes.length).toBeLessThan(40);
  });
});

type Act =
  | {
      readonly act: 'enter' | 'leave' | 'cut' | 'move';
      readonly user: number;
      readonly tab: number;
      readonly node: number;
    }
  | { readonly act: 'kill' | 'start' | 'freeze' | 'thaw' | 'close'; readonly node: number }
  | { readonly act: 'wait'; readonly ms: number }
  | {
      readonly act: 'bus';
      readonly bus: Cluster['bus'];
      readonly loss: number;
      readonly delayMs: number;
    };

const node = fc.nat(3);
const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        act: fc.constantFrom('enter' as const, 'leave' as const, 'cut' as const, 'move' as const),
        user: fc.nat(5),
        tab: fc.nat(1),
        node,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        act: fc.constantFrom(
          'kill' as const,
          'start' as const,
          'freeze' as const,
          'thaw' as const,
          'close' as const,
        ),
        node,
      }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.nat(9_000) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        act: fc.constant('bus' as const),
        bus: fc.constantFrom('up' as const, 'up' as const, 'down' as const, 'deaf' as const),
        loss: fc.constantFrom(0, 0.1, 0.5, 1),
        delayMs: fc.constantFrom(0, 20, 400),
      }),
    },
  ),
  { maxLength: 40 },
);

/** Where each session's link is, as it really is: what all nodes must come to see. */
class Truth {
  readonly #cluster: Cluster;
  readonly #links = new Map<string, { readonly node: string; readonly link: number }>();
  readonly #numbers = new Map<string, number>();
  #incarnations = 0;
  readonly #names = new Map<number, string>();
  /** Links that their sessions have left without a word: their nodes find out later. */
  readonly #halfOpen: {
    readonly node: string;
    readonly user: string;
    readonly tab: string;
    readonly link: number;
  }[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  start(index: number): void {
    if (this.#names.has(index)) return;
    this.#incarnations += 1;
    const name = `node-${index}-${this.#incarnations}`;
    this.#names.set(index, name);
    this.#cluster.start(name);
    this.#cluster.watch(name, ROOM);
  }

  act(one: Act): void {
    const cluster = this.#cluster;
    if (one.act === 'wait') return cluster.advance(one.ms);
    if (one.act === 'bus') {
      const { bus, loss, delayMs } = one;
      return void Object.assign(cluster, { bus, loss, delayMs });
    }
    if (one.act === 'start') return this.start(one.node);
    const name = this.#names.get(one.node);
    if (name === undefined) return undefined;
    if (!('user' in one)) return this.#actOn(one.act, one.node, name);
    const user = `user-${one.user}`;
    const tab = `${one.tab}`;
    const key = `${user}-${tab}`;
    const held = this.#links.get(key);
    if (one.act === 'enter' || one.act === 'move') {
      if (one.act === 'move' && held === undefined) return undefined;
      if (held !== undefined) this.#halfOpen.push({ ...held, user, tab });
      const link = (this.#numbers.get(key) ?? 0) + 1;
      this.#numbers.set(key, link);
      this.#links.set(key, { node: name, link });
      enter(cluster, name, user, tab, link);
    } else if (held !== undefined) {
      this.#links.delete(key);
      if (!cluster.nodes.includes(held.node)) return undefined;
      if (one.act === 'leave') leave(cluster, held.node, user, tab, held.link);
      else cut(cluster, held.node, user, tab, held.link);
    }
    return undefined;
  }

  /** Everybody whose link stands on a node that lives. */
  users(): string[] {
    const alive = [...this.#links].filter(([, link]) => this.#cluster.nodes.includes(link.node));
    return [...new Set(alive.map(([key]) => key.slice(0, key.lastIndexOf('-'))))].sort();
  }

  /** What no message tells is found out by the roll call. */
  callRoll(): void {
    for (const { node: name, user, tab, link } of this.#halfOpen) {
      if (this.#cluster.nodes.includes(name)) cut(this.#cluster, name, user, tab, link);
    }
  }

  thawAll(): void {
    for (const name of this.#names.values()) this.#cluster.freeze(name, false);
  }

  #actOn(act: 'kill' | 'freeze' | 'thaw' | 'close', index: number, name: string): void {
    const cluster = this.#cluster;
    switch (act) {
      case 'freeze':
      case 'thaw':
        cluster.freeze(name, act === 'freeze');
        return;
      case 'kill':
        cluster.kill(name);
        break;
      case 'close':
        cluster.close(name, 5_000);
        break;
    }
    this.#names.delete(index);
    for (const [key, link] of this.#links) if (link.node === name) this.#links.delete(key);
  }
}

describe('whatever happens', () => {
  test('PRES-9, PRES-7: once the bus carries again, all nodes come to see those who are there, and no others', () => {
    fc.assert(
      fc.property(acts, fc.nat(), (list, seed) => {
        const cluster = createCluster({ random: sequence(seed) });
        const truth = new Truth(cluster);
        for (const index of [0, 1, 2]) truth.start(index);
        for (const one of list) truth.act(one);
        truth.thawAll();
        truth.callRoll();
        Object.assign(cluster, { bus: 'up', loss: 0, delayMs: 20 });
        // The lease of a node that was killed a moment ago, and the time of a session that broke off.
        cluster.advance(16_000);
        const users = truth.users();
        for (const name of cluster.nodes) expect(cluster.seen(name, ROOM)).toEqual(users);
        const hashes = new Set(cluster.nodes.map((name) => cluster.hash(name, ROOM)));
        expect(hashes.size).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });
});

interface Seen {
  readonly id: string;
}

function membersAt(cluster: Cluster, name: string): readonly Seen[] {
  return cluster.members(name, ROOM) as readonly Seen[];
}
