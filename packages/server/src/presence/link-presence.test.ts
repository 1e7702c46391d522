// What a link wants of presence, on a clock that is moved by hand: the roll call, and how long a poll keeps its session.

import { DEFAULT_LIMITS, type Limits, type MillraceError } from '@millrace/protocol';
import { expect, test } from 'vitest';
import { createContractSet } from '../contract-set.ts';
import { createLocalBus } from '../engines/local-bus.ts';
import { createGate } from '../identity.ts';
import { LinkQueue } from '../link-queue.ts';
import type { OutboundFrame } from '../seams/link.ts';
import type { Timers } from '../seams/timers.ts';
import { rooms } from '../testing/test-channels.ts';
import { createTick } from '../tick.ts';
import { LinkPresence } from './link-presence.ts';
import { createLive, type Live, presentAs } from './live.ts';

const room = rooms.of({ id: '1' }).name;
const SESSION = 'a-session-of-some-length';

/** Timers that come due when told. */
function manualTimers(): Timers & {
  advance(ms: number): Promise<void>;
  readonly now: () => number;
} {
  const due = new Set<{ readonly at: number; readonly run: () => void }>();
  let now = 0;
  return {
    now: () => now,
    after(delayMs, run) {
      const one = { at: now + delayMs, run };
      due.add(one);
      return () => void due.delete(one);
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        await new Promise((resolve) => setImmediate(resolve));
        const [next] = [...due].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        due.delete(next);
        now = next.at;
        next.run();
      }
      now = end;
    },
  };
}

function setUp(some: Partial<Limits> = {}) {
  const timers = manualTimers();
  const onError = (error: MillraceError): void => {
    throw error;
  };
  const limits = { ...DEFAULT_LIMITS, ...some };
  const live: Live = createLive({
    engine: {
      bus: createLocalBus(),
      capabilities: { name: 'test', survives: 'nothing', nodes: 'one' },
    },
    contracts: createContractSet([rooms]),
    gate: createGate({ authenticate: undefined, authorize: undefined, onError }),
    limits,
    timers,
    now: timers.now,
    leaveAfterMs: 5_000,
    onRefused: onError,
    onError,
  });

  function open(transport: string, number: number, isUnheldPoll = false, session = SESSION) {
    const sent: string[] = [];
    const link = {
      transport,
      beatMs: 20_000,
      send: (frames: readonly OutboundFrame[]) => sent.push(...frames.map(({ text }) => text)),
      close: () => undefined,
      bufferedBytes: () => 0,
    };
    const owner = { isShared: false, hasRoomAgain: () => undefined, isStuck: onError };
    const peer = {
      queue: new LinkQueue(link, owner, { limits, timers, tick: createTick(onError) }),
      transport,
      address: '192.0.2.1',
      as: presentAs(session, null, number),
      isUnheldPoll,
      identity: () => null,
      livened: () => undefined,
    };
    const presence = new LinkPresence(peer, live);
    presence.begin([{ channel: room, data: { text: 'me' } }]);
    return { presence, rolls: () => sent.filter((text) => text.includes('roll-call')).length };
  }

  /** Whether anybody is present, as another node would be told. */
  const count = (): number => live.presence.counts.sessions;
  return { timers, open, count, isPresent: () => count() > 0 };
}

test('PRES-12: a session whose link does not answer the roll is let go, and is back with the next frame', async () => {
  const { timers, open, isPresent } = setUp();
  const { presence, rolls } = open('websocket', 1);
  // After 10 to 20 s, then 20 s after each answer at most.
  await timers.advance(20_000);
  expect(rolls()).toBe(1);
  for (let turn = 2; turn <= 5; turn += 1) {
    presence.heard();
    await timers.advance(20_000);
    expect([rolls(), isPresent()]).toEqual([turn, true]);
  }
  // 10 s for the answer, and 5 s as for a link that ended.
  await timers.advance(9_000);
  expect([rolls(), isPresent()]).toEqual([5, true]);
  await timers.advance(6_400);
  expect(isPresent()).toBe(false);
  presence.heard();
  expect(isPresent()).toBe(true);
  presence.close();
  await timers.advance(5_200);
  expect(isPresent()).toBe(false);
});

test('PRES-12: nobody is called of whom something is heard anyway', async () => {
  const { timers, open, isPresent } = setUp();
  const { presence, rolls } = open('websocket', 1);
  for (let turn = 1; turn <= 20; turn += 1) {
    presence.heard();
    await timers.advance(9_000);
  }
  expect([rolls(), isPresent()]).toEqual([0, true]);
});

test('PRES-12: over a stream the roll is called within a minute, and the next link is the answer, also of a hidden page', async () => {
  const { timers, open, isPresent } = setUp();
  let link = open('sse', 1);
  for (let number = 2; number <= 4; number += 1) {
    await timers.advance(60_000);
    expect(link.rolls()).toBe(1);
    // Its timers come once a minute.
    await timers.advance(60_000);
    expect([link.rolls(), isPresent()]).toEqual([1, true]);
    const next = open('sse', number);
    link.presence.close();
    link = next;
  }
  await timers.advance(120_000);
  expect(isPresent()).toBe(true);
  await timers.advance(27_000);
  expect(isPresent()).toBe(false);
});

test('PRES-8: of guests of one address whose links have ended as many stay as it may have links', async () => {
  const { timers, open, count } = setUp({ maxLinksPerAddress: 3 });
  const session = (number: number): string => `a-session-of-some-length-${number}`;
  for (let number = 1; number <= 6; number += 1) {
    open('poll', 1, true, session(number)).presence.close();
    await timers.advance(100);
    expect(count()).toBe(Math.min(number, 3));
  }
  // One of them comes back, and leaves its place to another one.
  open('poll', 2, false, session(2));
  open('poll', 1, true, session(7)).presence.close();
  await timers.advance(100);
  expect(count()).toBe(4);
  await timers.advance(76_000);
  expect(count()).toBe(1);
});

test('PRES-4: a poll that must not be held keeps its session while a hidden page waits for its timer', async () => {
  const { timers, open, isPresent } = setUp();
  for (let number = 1; number <= 3; number += 1) {
    open('poll', number, true).presence.close();
    await timers.advance(60_000);
    expect(isPresent()).toBe(true);
  }
  const held = open('poll', 4);
  held.presence.close();
  await timers.advance(4_800);
  expect(isPresent()).toBe(true);
  await timers.advance(600);
  expect(isPresent()).toBe(false);
});
