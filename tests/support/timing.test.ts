// What the runner does with a test that was only slow: the configuration, as it arrives at a test.
import { expect, test } from 'vitest';
import { expectWithin, TooSlow, tooSlow } from './timing.ts';

test('a test that was too slow is run again, and no other', ({ task: { retry } }) => {
  expect(retry).toEqual({ count: 2, condition: tooSlow });
  const repeats = (error: Error): boolean => tooSlow.test(error.message);
  expect(repeats(new TooSlow('it took 2 ms, 1 at most'))).toBe(true);
  expect(repeats(new Error('it said: too slow: 2 messages are missing'))).toBe(false);
});

test('what takes no time at all, or never ended, is judged as it is', () => {
  expectWithin(0, 1, 'nothing');
  expect(() => expectWithin(1.5, 1, 'it')).toThrow(TooSlow);
  expect(() => expectWithin(Number.NaN, 1, 'what never ended')).toThrow(/^too slow: what never/);
});
