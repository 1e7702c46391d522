// Several hubs on one engine whose bus loses and delays by a seed: in the end all of them show the same people.

import type { PresenceItem } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { memoryEngine } from '../engines/memory/memory-engine.ts';
import type { Bus } from '../seams/bus.ts';
import type { Engine } from '../seams/engine.ts';
import type { MemoryLink } from '../testing/memory-link.ts';
import { type RunningCore, runCore } from '../testing/run-core.ts';
import { rooms } from '../testing/test-channels.ts';
import { waitUntil } from '../testing/waiting.ts';

const room = rooms.of({ id: '1' }).name;

/** A repeatable sequence in [0, 1). */
function sequence(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 16)) >>> 0) / 0x1_0000_0000;
  };
}

interface BadBus {
  readonly engine: Engine;
  loss: number;
  /** One node's way to the bus: in order, late, and with holes. */
  ofNode(): Engine;
}

function badBus(engine: Engine, random: () => number): BadBus {
  const bad: BadBus = {
    engine,
    loss: 0,
    ofNode() {
      let last: Promise<unknown> = Promise.resolve();
      const bus: Bus = {
        ...engine.bus,
        publish(topic, text) {
          const isLost = random() < bad.loss;
          const lateMs = random() * 40;
          const late = new Promise((resolve) => setTimeout(resolve, lateMs));
          // In order per publisher, whatever each takes.
          last = Promise.all([last, late]).then(() =>
            isLost ? undefined : engine.bus.publish(topic, text),
          );
          return last.then(() => undefined);
        },
      };
      return { ...engine, bus, capabilities: { ...engine.capabilities, nodes: 'many' } };
    },
  };
  return bad;
}

/** Who the link has been told of, as a client folds it. */
function idsOf(link: MemoryLink): string {
  const ids = new Set<string>();
  for (const frame of link.live) {
    if (frame.type !== 'presence' || 'error' in frame) continue;
    if ('page' in frame) {
      if (frame.page === 0) ids.clear();
      for (const { id } of frame.members) ids.add(id);
    } else {
      for (const { id } of frame.present) ids.add(id);
      for (const id of frame.gone) ids.delete(id);
    }
  }
  return [...ids].sort().join();
}

test.each([1, 2])(
  'PRES-9: hubs whose bus loses every fifth message show the same people 5 s after it is quiet (seed %i)',
  async (seed) => {
    const random = sequence(seed);
    const engine = memoryEngine();
    const bad = badBus(engine, random);
    const hubs: RunningCore[] = [1, 2, 3].map(() =>
      runCore({ engine: bad.ofNode(), leaveAfterMs: 300 }),
    );
    const watching: PresenceItem = { channel: room, watch: true };
    const viewers = hubs.map((hub) => hub.open({ presence: [watching] }));
    const pick = <Item>(list: readonly Item[]): Item => {
      const item = list[Math.floor(random() * list.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    };
    bad.loss = 0.2;
    const links = new Map<string, MemoryLink>();
    const numbers = new Map<string, number>();
    const come = (user: string): void => {
      links.get(user)?.cut();
      // Rises for as long as the session lives.
      const link = (numbers.get(user) ?? 0) + 1;
      numbers.set(user, link);
      const session = `session-of-${user}-0123456789`;
      const presence = [{ channel: room, data: { text: user } }];
      links.set(user, pick(hubs).open({ token: `user-${user}`, session, link, presence }));
    };
    const users = Array.from('abcdefghij');
    users.forEach(come);
    for (let act = 0; act < 80; act += 1) {
      const user = pick(users);
      const held = links.get(user);
      if (random() < 0.6 || held === undefined) come(user);
      else {
        links.delete(user);
        if (random() < 0.5) held.cut();
        else held.attachment.received({ type: 'presence', channels: [{ channel: room }] });
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    bad.loss = 0;
    const present = [...links.keys()].sort().join();
    await waitUntil(
      'the same on all',
      () => viewers.every((link) => idsOf(link) === present),
      5_000,
    ).catch(() => undefined);
    expect(viewers.map(idsOf)).toEqual([present, present, present]);
    for (const hub of hubs) {
      await hub.core.sendAway(0);
      await hub.core.close();
    }
    await engine.close();
  },
);
