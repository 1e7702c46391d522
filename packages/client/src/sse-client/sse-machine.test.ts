// The machine by itself: total, and its waits by property.

import { MillraceError } from '@millrace/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IDLE_SSE, requestOf, retryAtOf, type SseEvent, stepSse } from './sse-machine.ts';

const rules = {
  maxRetries: 5,
  initialRetryDelayMs: 1_000,
  maxRetryDelayMs: 30_000,
  backoffMultiplier: 2,
};
const lost = new MillraceError('link/lost', 'Lost.');
const request = fc.integer({ min: 0, max: 4 });
const anyEvent: fc.Arbitrary<SseEvent> = fc.oneof(
  fc.record({ type: fc.constantFrom('connect', 'disconnect', 'due', 'offline', 'hidden') }),
  fc.record({ type: fc.constantFrom('wake', 'online'), quietMs: fc.nat(60_000) }),
  fc.record({ type: fc.constantFrom('opened', 'moved', 'finished'), request }),
  fc.record({ type: fc.constant('retry'), request, ms: fc.nat(60_000) }),
  fc.record({
    type: fc.constant('failed'),
    request,
    error: fc.constant(lost),
    isFinal: fc.boolean(),
  }),
);
const moment = fc.record({
  now: fc.nat(1_000_000),
  jitter: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

describe('the machine of a stream', () => {
  test('ESC-1: whatever happens in whatever order, requests are numbered once and only the newest counts', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyEvent, moment)), (events) => {
        let machine = IDLE_SSE;
        for (const [event, at] of events) {
          const before = machine;
          machine = stepSse(machine, event, at, rules).machine;
          expect(machine.lastRequest - before.lastRequest).toBeLessThanOrEqual(1);
          const now = requestOf(machine.state);
          expect([null, machine.lastRequest]).toContain(now);
          const isStale = 'request' in event && event.request !== requestOf(before.state);
          expect(!isStale || machine === before).toBe(true);
        }
      }),
    );
  });

  test('ESC-3: waits are drawn from 0 to the growing most, and the count begins anew after 10 s or with a new id', () => {
    const waits = (jitter: number, steps: readonly SseEvent[]): number | null => {
      let machine = stepSse(IDLE_SSE, { type: 'connect' }, { now: 0, jitter }, rules).machine;
      for (const step of steps) {
        const now = step.type === 'failed' ? 20_000 : 15_000;
        machine = stepSse(machine, step, { now, jitter }, rules).machine;
      }
      const retryAt = retryAtOf(machine);
      return retryAt === null ? null : retryAt - 20_000;
    };
    const fail = (number: number): SseEvent => ({
      type: 'failed',
      request: number,
      error: lost,
      isFinal: false,
    });
    const due = { type: 'due' } as const;
    const three = [fail(1), due, fail(2), due, fail(3)];
    expect(waits(0, [fail(1)])).toBe(0);
    expect(waits(0.5, [fail(1)])).toBe(500);
    expect(waits(0.5, three)).toBe(2_000);
    // Opened at 15 s and lost at 20 s: not stable.
    expect(waits(0.5, [...three, due, { type: 'opened', request: 4 }, fail(4)])).toBe(4_000);
    const moved = { type: 'moved', request: 4 } as const;
    expect(waits(0.5, [...three, due, { type: 'opened', request: 4 }, moved, fail(4)])).toBe(500);
    const asked = new MillraceError('link/refused', 'Later.', { details: { retryAfterMs: 4_000 } });
    expect(waits(0.5, [{ type: 'failed', request: 1, error: asked, isFinal: false }])).toBe(5_000);
    const told = { type: 'retry', request: 1, ms: 3_000 } as const;
    expect(waits(0, [told, fail(1)])).toBe(3_000);
    expect(waits(0.5, [told, fail(1)])).toBe(4_500);
  });
});
