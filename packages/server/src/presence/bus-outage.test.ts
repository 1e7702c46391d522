// Presence while the bus between nodes is down, on a clock that is moved by hand.

import { expect, test } from 'vitest';
import { type Cluster, createCluster } from '../testing/presence-cluster.ts';

const ROOM = 'room:1';

function startCluster(names: readonly string[]): Cluster {
  // Delays alone are drawn, and matter to none of it.
  const cluster = createCluster({ random: () => 0.5 });
  for (const name of names) {
    cluster.start(name);
    cluster.watch(name, ROOM);
  }
  cluster.advance(500);
  return cluster;
}

function enter(cluster: Cluster, node: string, user: string): void {
  const wallMs = 1_000_000 + cluster.now;
  const key = `${user}-a`;
  cluster.feed(node, { type: 'enter', channel: ROOM, key, user, link: 1, data: '1', wallMs });
}

function leave(cluster: Cluster, node: string, user: string): void {
  cluster.feed(node, { type: 'leave', channel: ROOM, key: `${user}-a`, user, link: 1 });
}

const steps = (cluster: Cluster, node: string, user: string): string[] =>
  cluster.sightings.flatMap((one) => (one.node === node && one.user === user ? [one.step] : []));

test('PRES-7: a bus that is down takes nobody away, and what changed meanwhile is known soon afterwards', () => {
  for (const bus of ['down', 'deaf'] as const) {
    const cluster = startCluster(['a', 'b', 'c']);
    for (const node of cluster.nodes) enter(cluster, node, `user-${node}`);
    cluster.advance(3_000);
    cluster.bus = bus;
    enter(cluster, 'a', 'late');
    cluster.advance(1_000);
    leave(cluster, 'b', 'user-b');
    cluster.advance(29_000);
    for (const node of cluster.nodes) {
      const others = cluster.nodes.filter((one) => one !== node && one !== 'b');
      for (const one of others) expect(steps(cluster, node, `user-${one}`)).toEqual(['came']);
    }
    cluster.bus = 'up';
    cluster.advance(5_000);
    for (const node of cluster.nodes) {
      expect(cluster.seen(node, ROOM)).toEqual(['late', 'user-a', 'user-c']);
      expect(cluster.hash(node, ROOM)).toBe(cluster.hash('a', ROOM));
    }
  }
});

test('PRES-7: also a node that only watches knows a bus that is down from nodes that are', () => {
  const cluster = startCluster(['a', 'b']);
  enter(cluster, 'a', 'ada');
  cluster.advance(5_000);
  cluster.bus = 'down';
  cluster.advance(20_000);
  expect(cluster.seen('b', ROOM)).toEqual(['ada']);
  // Nobody is taken for alive for ever.
  cluster.advance(45_000);
  expect(cluster.seen('b', ROOM)).toEqual([]);
  cluster.bus = 'up';
  cluster.advance(5_000);
  expect(cluster.seen('b', ROOM)).toEqual(['ada']);
});

test('PRES-7: who was killed while the bus was down is gone within a lease of its return', () => {
  const cluster = startCluster(['a', 'b', 'c']);
  enter(cluster, 'a', 'ada');
  enter(cluster, 'b', 'bob');
  cluster.advance(3_000);
  cluster.bus = 'down';
  cluster.advance(2_000);
  cluster.kill('a');
  cluster.advance(10_000);
  cluster.bus = 'up';
  cluster.advance(10_000);
  expect(cluster.seen('c', ROOM)).toEqual(['bob']);
  expect(cluster.seen('b', ROOM)).toEqual(['bob']);
});
