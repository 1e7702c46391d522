// What a link wants of presence, on a clock that is moved by hand: the roll call, and how long a poll keeps its session.

import { DEFAULT_LIMITS, type MillraceError } from '@millrace/protocol';
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

function setUp() {
  const timers = manualTimers();
  const onError = (error: MillraceError): void => {
    throw error;
  };
  const limits = DEFAULT_LIMITS;
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

  function open(transport: string, number: number, isUnheldPoll = false) {
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
      as: presentAs(SESSION, null, number),
      isUnheldPoll,
      identity: () => null,
      livened: () => undefined,
    };
    const presence = new LinkPresence(peer, live);
    presence.begin([{ channel: room, data: { text: 'me' } }]);
    return { presence, rolls: () => sent.filter((text) => text.includes('roll-call')).length };
  }

  /** Whether anybody is present, as another node would be told. */
  const isPresent = (): boolean => live.presence.counts.sessions > 0;
  return { timers, open, isPresent };
}

test('PRES-12: a session whose link does not answer the roll is let go, and is back with the next frame', async () => {
  const { timers, open, isPresent } = setUp();
  const { presence, rolls } = open('websocket', 1);
  // From then on every 20 s.
  await timers.advance(20_000);
  expect(rolls()).toBe(1);
  for (let turn = 2; turn <= 5; turn += 1) {
    presence.want([]);
    await timers.advance(20_000);
    expect([rolls(), isPresent()]).toEqual([turn, true]);
  }
  await timers.advance(20_000);
  expect([rolls(), isPresent()]).toEqual([5, true]);
  await timers.advance(5_200);
  expect(isPresent()).toBe(false);
  presence.want([]);
  expect(isPresent()).toBe(true);
  presence.close();
  await timers.advance(5_200);
  expect(isPresent()).toBe(false);
});

test('PRES-12: over a stream the roll is called every two minutes, and the next link is the answer', async () => {
  const { timers, open, isPresent } = setUp();
  let link = open('sse', 1);
  await timers.advance(120_000);
  expect(link.rolls()).toBe(1);
  for (let number = 2; number <= 4; number += 1) {
    const next = open('sse', number);
    link.presence.close();
    link = next;
    await timers.advance(120_000);
    expect([link.rolls(), isPresent()]).toEqual([1, true]);
  }
  await timers.advance(126_000);
  expect(isPresent()).toBe(false);
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
