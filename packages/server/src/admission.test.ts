// Admission at the door, with a clock by hand: the rate, the late loop, who goes first, when the refused come back.

import { DEFAULT_LIMITS, MillraceError } from '@millrace/protocol';
import { describe, expect, test } from 'vitest';
import { type Admission, type Arrival, createAdmission } from './admission.ts';
import { createLoopDelay } from './loop-delay.ts';

interface Door {
  readonly admission: Admission;
  /** How many of `count` that come now are let in. */
  let(count: number, arrival?: Arrival): number;
  /** What those who were refused were told, ms. */
  readonly waits: number[];
  readonly refused: () => number;
  readonly clock: { now: number; lateMs: number };
}

function createDoor(maxConnectsPerSecond = 100, random: () => number = () => 0.5): Door {
  const clock = { now: 1_000, lateMs: 0 };
  const waits: number[] = [];
  let refused = 0;
  const admission = createAdmission({
    limits: { maxConnectsPerSecond, maxLoopDelayMs: 250 },
    loop: {
      get lateMs() {
        return clock.lateMs;
      },
    },
    onRefused: () => {
      refused += 1;
    },
    now: () => clock.now,
    random,
  });
  return {
    admission,
    waits,
    clock,
    refused: () => refused,
    let(count, arrival = 'new') {
      let entered = 0;
      for (let index = 0; index < count; index += 1) {
        try {
          admission.enter(arrival);
          entered += 1;
        } catch (thrown) {
          const error = thrown as MillraceError;
          expect(error).toBeInstanceOf(MillraceError);
          expect(error.code).toBe('server/overloaded');
          waits.push(Number(error.details?.['retryAfterMs']));
        }
      }
      return entered;
    },
  };
}

describe('the rate', () => {
  test('LIM-7: a burst of twice the rate is let in, then the rate; each refusal is counted', () => {
    const door = createDoor();
    expect(door.let(250)).toBe(200);
    expect(door.refused()).toBe(50);
    door.clock.now += 500;
    expect(door.let(250)).toBe(50);
    door.clock.now += 60_000;
    expect(door.let(250)).toBe(200);
  });

  test('LIM-7: five thousand who were dropped together and come back within half a second are all let in', () => {
    const door = createDoor(DEFAULT_LIMITS.maxConnectsPerSecond);
    let entered = 0;
    for (let step = 0; step < 500; step += 1) {
      door.clock.now += 1;
      entered += door.let(10);
    }
    expect(entered).toBe(5_000);
  });

  test('LIM-7: without a limit all are let in, however late', () => {
    const door = createDoor(Number.POSITIVE_INFINITY);
    door.clock.lateMs = 5_000;
    expect(door.let(10_000)).toBe(10_000);
  });
});

describe('the late loop', () => {
  test('LIM-7: while it is late a tenth of the rate is let in, and all of it again once it is not', () => {
    const door = createDoor();
    door.clock.lateMs = 251;
    expect(door.let(100)).toBe(10);
    door.clock.now += 1_000;
    expect(door.let(100)).toBe(10);
    door.clock.lateMs = 250;
    expect(door.let(200)).toBe(190);
  });

  test('LIM-7: the few links of ordinary use never meet a loop that is late for a while', () => {
    const door = createDoor(2_000);
    door.clock.lateMs = 3_000;
    for (let step = 0; step < 100; step += 1) {
      door.clock.now += 100;
      expect(door.let(20)).toBe(20);
    }
  });

  test('LIM-7: what was let in before is not held against those who come when it is late', () => {
    const door = createDoor();
    expect(door.let(150)).toBe(150);
    door.clock.lateMs = 1_000;
    door.clock.now += 100;
    expect(door.let(10)).toBe(1);
    door.clock.now += 900;
    expect(door.let(100)).toBe(9);
  });
});

describe('who was here before', () => {
  test('LIM-7: new links do not starve those that return, which may overdraw by a burst', () => {
    const door = createDoor();
    expect(door.let(1_000)).toBe(200);
    expect(door.let(300, 'returning')).toBe(200);
    door.clock.now += 1_000;
    // What they overdrew is paid by the new ones, and they still go first.
    expect(door.let(10)).toBe(0);
    expect(door.let(1_000, 'returning')).toBe(100);
  });

  test('LIM-7: also while the loop is late more of them are let in than new ones', () => {
    const door = createDoor();
    door.clock.lateMs = 1_000;
    expect([door.let(100), door.let(100, 'returning')]).toEqual([10, 50]);
  });
});

describe('when to come back', () => {
  test('LIM-7: those refused together are spread over a window, not told one moment', () => {
    let draw = 0;
    const door = createDoor(100, () => {
      draw = (draw + 0.377) % 1;
      return draw;
    });
    door.let(400);
    expect(door.waits).toHaveLength(200);
    expect(Math.min(...door.waits)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...door.waits)).toBeLessThanOrEqual(2_500);
    const perHalfSecond = Map.groupBy(door.waits, (ms) => Math.floor(ms / 500));
    for (const { length } of perHalfSecond.values()) expect(length).toBeLessThan(80);
  });

  test('LIM-7: the window grows with those who wait, so that what comes back fits the rate', () => {
    const door = createDoor(100, () => 0.999);
    door.let(200 + 1_500);
    expect(Math.max(...door.waits)).toBeGreaterThan(14_000);
    door.let(10_000);
    expect(Math.max(...door.waits)).toBeLessThanOrEqual(31_000);
    // Once they may have come back it is short again.
    door.clock.now += 120_000;
    door.waits.length = 0;
    door.let(201);
    expect(door.waits[0]).toBeLessThanOrEqual(2_000);
  });
});

test('LIM-7: the loop is late while a beat of the wheel is missing, and until one was on time', () => {
  let now = 0;
  let run: () => void = () => undefined;
  const timers = {
    after(_ms: number, next: () => void) {
      run = next;
      return () => undefined;
    },
  };
  const loop = createLoopDelay(timers, () => now);
  const beatAt = (at: number): number => {
    now = at;
    run();
    return loop.lateMs;
  };
  expect(beatAt(150)).toBe(0);
  now = 700;
  // Nothing has run since: whoever asks in the middle of a long piece of work is told.
  expect(loop.lateMs).toBe(400);
  expect(beatAt(700)).toBe(400);
  expect(beatAt(850)).toBe(0);
});
