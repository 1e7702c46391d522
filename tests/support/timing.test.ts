// What the runner does with a test that was only slow: the configuration, tried on itself.
import { expect, test } from 'vitest';
import { expectWithin } from './timing.ts';

let slow = 0;

test('a test that was only slow is run again (this one is, always)', () => {
  slow += 1;
  expectWithin(slow === 1 ? 2 : 1, 1, 'the first try');
});

test('it was tried twice', () => {
  expect(slow).toBe(2);
});

test('no time at all is too slow', () => {
  expect(() => expectWithin(Number.NaN, 1, 'what never ended')).toThrow(/^too slow: what never/);
});
