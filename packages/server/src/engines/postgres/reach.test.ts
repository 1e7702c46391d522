// When calls are let through to a database that does not answer. Rule: LOG-16.

import { expect, test } from 'vitest';
import { createReach, mayAsk, REACHED, type ReachState, reachStep } from './reach.ts';

const unanswered = (at: number, askedAt = at): Parameters<typeof reachStep>[1] => ({
  type: 'unanswered',
  at,
  askedAt,
  random: 1,
});

test('LOG-16: one try after each backoff, and nobody else meanwhile', () => {
  let state = reachStep(REACHED, unanswered(1_000));
  expect(mayAsk(state, 1_299)).toBe(false);
  expect(mayAsk(state, 1_300)).toBe(true);
  state = reachStep(state, { type: 'asked', at: 1_300 });
  expect([state.status, mayAsk(state, 9_999)]).toEqual(['trying', false]);
  state = reachStep(state, unanswered(6_300, 1_300));
  expect(mayAsk(state, 6_799)).toBe(false);
  expect(mayAsk(state, 6_800)).toBe(true);
});

test('LOG-16: never sooner than after 100 ms, never later than after 2 s', () => {
  for (let failures = 1; failures <= 40; failures += 1) {
    for (const random of [0, 0.5, 0.999]) {
      const trying: ReachState = { status: 'trying', failures: failures - 1 };
      const lost = reachStep(trying, { type: 'unanswered', at: 0, askedAt: 0, random });
      const waitMs = lost.status === 'lost' ? lost.retryAt : 0;
      expect(waitMs).toBeGreaterThanOrEqual(100);
      expect(waitMs).toBeLessThanOrEqual(2_000);
    }
  }
});

test('LOG-16: what failed while others were answered does not count, nor do the many that fail together', () => {
  const answered = reachStep(REACHED, { type: 'answered', at: 500 });
  expect(reachStep(answered, unanswered(5_400, 400))).toBe(answered);
  const lost = reachStep(answered, unanswered(5_600, 600));
  expect(reachStep(lost, unanswered(5_601, 601))).toBe(lost);
  expect(reachStep(lost, { type: 'answered', at: 5_700 }).status).toBe('reached');
});

test('LOG-16: a database that is out of reach is asked a few times, however many want to', async () => {
  let now = 0;
  let tries = 0;
  let isDown = true;
  const reach = createReach({ isUnanswered: () => true, now: () => now, random: () => 1 });
  const ask = (): Promise<string> =>
    reach.run(async () => {
      tries += 1;
      if (isDown) throw new Error('refused');
      return 'answer';
    });
  for (now = 0; now < 30_000; now += 10) {
    await ask().catch(() => undefined);
  }
  expect(tries).toBeLessThan(25);
  isDown = false;
  now += 2_000;
  expect(await ask()).toBe('answer');
  expect(await ask()).toBe('answer');
});
