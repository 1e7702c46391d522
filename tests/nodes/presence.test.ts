// Presence between nodes that are processes, on a real Redis and a real PostgreSQL: tabs on several nodes, a node that is
// killed, an engine that freezes, connections that are cut. Everything at once, since most of it is waiting.

import { ephemeralOf } from '@millrace/client/presence';
import { describe, expect, test } from 'vitest';
import { createFaultyProxy, type FaultyProxy } from '../support/faulty-proxy.ts';
import { expectWithin } from '../support/timing.ts';
import { until } from '../support/wait.ts';
import { type EngineKind, startNodes } from './node-cluster.ts';
import { people } from './people.ts';
import { enterRoom, watchRoom } from './viewer.ts';

const ROOM = 'lobby';

/** Milliseconds until all of them see just these. */
async function untilAllSee(
  viewers: readonly { ids(): string; readonly story: readonly string[] }[],
  ids: string,
): Promise<number> {
  const since = performance.now();
  await until(() => viewers.every((viewer) => viewer.ids() === ids), {
    label: `${ids} on ${viewers.length} nodes`,
    deadlineMs: 30_000,
    details: () => viewers.map((viewer) => viewer.story.join(' ')).join('\n'),
  });
  return performance.now() - since;
}

/** The way of a client to a node, which may become another one. */
async function doorTo(port: number): Promise<FaultyProxy> {
  return createFaultyProxy({ target: { host: '127.0.0.1', port } });
}

/** More than a PostgreSQL bus takes in one message. */
async function lateToALargeRoom(here: string, there: string): Promise<void> {
  const crowd = Array.from({ length: 250 }, (_, at) =>
    enterRoom(here, 'hall', `user-${at}`, 'é'.repeat(1_000), { transports: ['websocket'] }),
  );
  await using onHere = watchRoom(here, 'hall');
  const isFull = (one: typeof onHere): boolean => one.view().members.length === crowd.length;
  await until(() => isFull(onHere), { label: 'all', deadlineMs: 30_000 });
  await using onThere = watchRoom(there, 'hall');
  await until(() => isFull(onThere), { label: 'all, late' });
  expect(onThere.view().members).toEqual(onHere.view().members);
  await Promise.all(crowd.map(({ client }) => client.close()));
}

describe.concurrent.each<EngineKind>(['redis', 'postgres'])('on %s', (kind) => {
  test('PRES-3, PRES-4, PRES-7: tabs on three nodes are one member, a clean leave takes 2 s, a killed node 10 s, and nobody flickers who moves', async () => {
    await using cluster = await startNodes(kind, 3);
    const [a, b, c] = cluster.nodes;
    if (a === undefined || b === undefined || c === undefined) throw new Error('three nodes');
    await using door = await doorTo(a.port);
    await using onB = watchRoom(b.url, ROOM);
    await using onC = watchRoom(c.url, ROOM);
    const viewers = [onB, onC];
    await using ada1 = enterRoom(a.url, ROOM, 'ada');
    await using ada2 = enterRoom(b.url, ROOM, 'ada');
    await using ghost = enterRoom(a.url, ROOM, 'bob');
    await using mover = enterRoom(door.url, ROOM, 'carol');
    await using dora = enterRoom(a.url, ROOM, 'dora');
    await using emil = enterRoom(b.url, ROOM, 'emil', 'emil', { transports: ['sse'] });
    await untilAllSee(viewers, 'ada,bob,carol,dora,emil');
    const ada = () => onC.view().members.find(({ id }) => id === 'ada');
    await until(() => ada()?.sessions.length === 2, { label: 'two tabs' });

    dora.entry.leave();
    const leftMs = await untilAllSee(viewers, 'ada,bob,carol,emil');
    const closing = emil.client.close();
    const closedMs = await untilAllSee(viewers, 'ada,bob,carol');
    await closing;

    door.setTarget({ host: '127.0.0.1', port: b.port });
    await a.kill('SIGKILL');
    const ghostMs = await untilAllSee(viewers, 'ada,carol');
    for (const { story } of viewers) {
      expect(story.filter((step) => /ada|carol/.test(step)).sort()).toEqual(['+ada', '+carol']);
    }
    expect(onB.view().members).toEqual(onC.view().members);
    console.info(`${kind}: left ${leftMs | 0}, closed ${closedMs | 0}, ghost ${ghostMs | 0} ms`);
    await Promise.all([ada1, ada2, ghost, mover].map(({ client }) => client.close()));
    expectWithin(Math.max(leftMs, closedMs), 2_000, 'the news of who left');
    expectWithin(ghostMs, 10_000, 'the end of a ghost');
  });

  test('PRES-2, PRES-7, PRES-9, EPH-2, EPH-4: half a megabyte of people is told to a late node; a freeze of 6 s takes nobody away, and 5 s later all nodes agree; so after cut connections', async () => {
    await using cluster = await startNodes(kind, 2);
    const [a, b] = cluster.nodes;
    if (a === undefined || b === undefined) throw new Error('two nodes');
    await using onA = watchRoom(a.url, ROOM);
    await using onB = watchRoom(b.url, ROOM);
    const viewers = [onA, onB];
    await using ada = enterRoom(a.url, ROOM, 'ada');
    await using bob = enterRoom(b.url, ROOM, 'bob');
    await using carol = enterRoom(b.url, ROOM, 'carol');
    await untilAllSee(viewers, 'ada,bob,carol');
    await lateToALargeRoom(a.url, b.url);
    const passed = ephemeralOf(onB.client, people.of({ room: ROOM }));
    const stop = passed.subscribe(() => undefined);
    await until(
      () => {
        ephemeralOf(onA.client, people.of({ room: ROOM })).send({
          type: 'pointed',
          data: { name: 'here' },
        });
        return passed.getSnapshot().length > 0;
      },
      { label: 'an event', everyMs: 200 },
    );

    cluster.freeze();
    const thawAt = performance.now() + 6_000;
    await using dora = enterRoom(a.url, ROOM, 'dora');
    carol.entry.leave();
    await until(() => onA.ids().includes('dora') && !onB.ids().includes('carol'), {
      label: 'what each node knows by itself',
    });
    await until(() => performance.now() >= thawAt, { label: 'the thaw' });
    cluster.thaw();
    // Nothing ends it but its time.
    expect(passed.getSnapshot()).toEqual([]);
    stop();
    const agreedMs = await untilAllSee(viewers, 'ada,bob,dora');
    await until(() => onA.view().members.length === onB.view().members.length, { label: 'both' });
    expect(onA.view().members).toEqual(onB.view().members);

    expect(await cluster.deafen()).toBeGreaterThan(0);
    await using emil = enterRoom(a.url, ROOM, 'emil');
    const regainedMs = await untilAllSee(viewers, 'ada,bob,dora,emil');
    // Nor did anybody leave who did not.
    for (const { story } of viewers) {
      expect(story.filter((step) => step.startsWith('-'))).toEqual(['-carol']);
    }
    console.info(`${kind}: agreed ${agreedMs | 0}, regained ${regainedMs | 0} ms`);
    await Promise.all([ada, bob, carol, dora, emil].map(({ client }) => client.close()));
    expectWithin(Math.max(agreedMs, regainedMs), 5_000, 'one view');
  });
});
