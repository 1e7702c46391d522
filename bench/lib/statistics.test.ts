import { expect, test } from 'vitest';
import { median, percentile, slope } from './statistics.ts';

test('a percentile is the nearest rank, whatever the order', () => {
  const values = [5, 1, 4, 2, 3];
  expect(percentile(values, 0.5)).toBe(3);
  expect(percentile(values, 0.99)).toBe(5);
  expect(percentile(values, 0)).toBe(1);
  expect(percentile([], 0.5)).toBeNaN();
});

test('the median of an even count lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([])).toBeNaN();
});

test('a slope is what one step adds', () => {
  expect(slope([10, 12, 14, 16])).toBe(2);
  expect(slope([7, 7, 7])).toBe(0);
  expect(slope([1])).toBeNaN();
});
