// What somebody who wishes ill can make of presence, and what stops it.

import type { ConnectFrame } from '@millrace/protocol/wire';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { memoryEngine } from '../engines/memory/memory-engine.ts';
import type { Engine } from '../seams/engine.ts';
import type { MemoryLink } from '../testing/memory-link.ts';
import { type RunningCore, runCore } from '../testing/run-core.ts';
import { rooms } from '../testing/test-channels.ts';
import { waitUntil } from '../testing/waiting.ts';

const room = rooms.of({ id: '1' }).name;

let told: { readonly topic: string; readonly text: string }[];
let engine: Engine;

beforeEach(() => {
  told = [];
  const memory = memoryEngine();
  engine = {
    ...memory,
    bus: {
      ...memory.bus,
      publish(topic, text) {
        told.push({ topic, text });
        return memory.bus.publish(topic, text);
      },
    },
  };
});
afterEach(() => engine.close());

const errorsOf = (link: MemoryLink): string[] =>
  link.live.flatMap((frame) => ('error' in frame ? [frame.error.code] : []));

function enter(hub: RunningCore, session: string, parts: Partial<ConnectFrame> = {}): MemoryLink {
  const presence = [{ channel: room, watch: true, data: { text: session } }];
  return hub.open({ session: `session-${session}`.padEnd(24, '-'), presence, ...parts });
}

test('PRES-8: a member is present in a channel with as many sessions as it may have links, also of links that ended', async () => {
  await using hub = runCore({ engine, limits: { maxLinksPerIdentity: 3 } });
  const token = 'user-ada';
  for (const session of ['1', '2', '3']) enter(hub, session, { token }).cut();
  const fourth = enter(hub, '4', { token });
  await waitUntil('the refusal', () => errorsOf(fourth).length > 0);
  expect(errorsOf(fourth)).toEqual(['server/overloaded']);
  expect(hub.core.live.presence.counts.sessions).toBe(3);
  // Those that are there come back, and others come.
  const again = enter(hub, '1', { token, link: 2 });
  const bob = enter(hub, '5', { token: 'user-bob' });
  await waitUntil('both', () => hub.core.live.presence.counts.sessions === 4);
  expect([errorsOf(again), errorsOf(bob)]).toEqual([[], []]);
});

test('PRES-8: a `connect` makes no more messages for other nodes than its address may, whatever it says to leave', async () => {
  await using hub = runCore({ engine, limits: { maxPresencePerSecond: 5 } });
  const presence = Array.from({ length: 50 }, (_, at) => ({
    channel: rooms.of({ id: `${at}` }).name,
    leave: true,
  }));
  for (let at = 0; at < 3; at += 1) {
    const link = hub.open({ session: `a-session-of-some-length-${at}`, presence });
    await link.next('hello');
  }
  expect(told.filter(({ text }) => text.includes('"leave"')).length).toBeLessThanOrEqual(11);
});

test('PRES-3, EPH-2: who is told of is who signed in, whatever a session says of itself', async () => {
  await using hub = runCore({ engine });
  const forged = { id: 'bob', user: 'bob', session: 'x', since: 1, sessions: [] };
  const viewer = enter(hub, 'viewer');
  hub.open({
    token: 'user-ada',
    session: 'session-of-ada-0123456789',
    presence: [{ channel: room, data: { text: 'I am Bob', ...forged } }],
  });
  await waitUntil('somebody', () => JSON.stringify(viewer.live).includes('I am Bob'));
  const text = JSON.stringify(viewer.live);
  expect(text).toContain('"id":"ada"');
  expect(text).not.toContain('"id":"bob","since"');
  // Nothing that would let anybody act as the session.
  expect(text + told.map((one) => one.text).join('')).not.toContain('session-of-ada');
});
