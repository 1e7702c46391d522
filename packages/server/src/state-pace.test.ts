// The pace of states, with a clock by hand: at most one in the interval, and the newest at last.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createStatePace, type StatePace } from './state-pace.ts';

const EVERY_MS = 100;

interface Paced {
  readonly pace: StatePace;
  readonly sentAt: number[];
  /** What had moved by each sending. */
  readonly sent: number[];
  move(): void;
  advance(ms: number): void;
  coalesced(): number;
}

function createPaced(): Paced {
  let now = 0;
  let moves = 0;
  let coalesced = 0;
  let due: { readonly at: number; readonly run: () => void } | null = null;
  const sentAt: number[] = [];
  const sent: number[] = [];
  const timers = {
    after(ms: number, run: () => void) {
      const one = { at: now + ms, run };
      due = one;
      return () => {
        if (due === one) due = null;
      };
    },
  };
  const pace = createStatePace(
    EVERY_MS,
    timers,
    () => {
      sentAt.push(now);
      sent.push(moves);
    },
    () => {
      coalesced += 1;
    },
  );
  return {
    pace,
    sentAt,
    sent,
    coalesced: () => coalesced,
    move() {
      moves += 1;
      pace.moved();
    },
    advance(ms) {
      const target = now + ms;
      while (due !== null && due.at <= target) {
        const { at, run } = due;
        now = at;
        due = null;
        run();
      }
      now = target;
    },
  };
}

test('SUB-5a: a thousand moves in a second go out as ten or eleven states, the newest among them', () => {
  const paced = createPaced();
  for (let index = 0; index < 1_000; index += 1) {
    paced.move();
    paced.advance(1);
  }
  paced.advance(EVERY_MS);
  expect(paced.sent.length).toBeGreaterThanOrEqual(10);
  expect(paced.sent.length).toBeLessThanOrEqual(11);
  expect(paced.sent.at(-1)).toBe(1_000);
  expect(paced.coalesced()).toBe(1_000 - paced.sent.length);
});

test('SUB-5a: whatever moves when, no two states are nearer than the interval, none is late, and the last is the newest', () => {
  const steps = fc.array(fc.record({ afterMs: fc.nat(250), moves: fc.nat(3) }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (list) => {
      const paced = createPaced();
      let total = 0;
      for (const { afterMs, moves } of list) {
        paced.advance(afterMs);
        for (let index = 0; index < moves; index += 1) paced.move();
        total += moves;
      }
      paced.advance(EVERY_MS);
      const gaps = paced.sentAt.slice(1).map((at, index) => at - (paced.sentAt[index] ?? 0));
      expect(gaps.every((ms) => ms >= EVERY_MS)).toBe(true);
      expect(paced.sent.at(-1) ?? 0).toBe(total);
      expect(paced.sent.length + paced.coalesced()).toBe(total);
    }),
  );
});

test('SUB-5a: what waits when a channel ends goes out before the end', () => {
  const paced = createPaced();
  paced.move();
  paced.pace.finish();
  expect(paced.sent).toEqual([1]);
  paced.move();
  paced.pace.finish();
  expect(paced.sent).toEqual([1, 2]);
});
