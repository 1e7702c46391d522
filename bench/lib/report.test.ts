import { expect, test } from 'vitest';
import type { Figure } from './bench.ts';
import { figuresTable, figureText, isMet, numberText, verdictText } from './report.ts';

const figure: Figure = {
  label: 'p99',
  unit: 'ms',
  values: [12, 40, 11],
  goal: { atMost: 12 },
};

test('a goal is judged on the median, and the edge counts as met', () => {
  expect(isMet(figure)).toBe(true);
  expect(isMet({ ...figure, goal: { atMost: 11.9 } })).toBe(false);
  expect(isMet({ ...figure, goal: { atLeast: 12 } })).toBe(true);
  expect(isMet({ label: 'p99', unit: 'ms', values: [1] })).toBeNull();
});

test('so near a goal as two runs differ anyway it is met, and told so', () => {
  const near: Figure = { ...figure, goal: { atMost: 11.9 }, noise: 0.2 };
  expect(isMet(near)).toBe(true);
  expect(verdictText(near)).toBe('met, within the noise');
  expect(verdictText({ ...near, goal: { atMost: 12 } })).toBe('met');
  expect(verdictText({ ...near, goal: { atMost: 11 } })).toBe('**missed**');
  expect(isMet({ ...near, goal: { atLeast: 12.1 } })).toBe(true);
});

test('a figure without a number does not meet its goal', () => {
  expect(isMet({ ...figure, values: [] })).toBe(false);
});

test('several runs are told with their range, a single one without', () => {
  expect(figureText(figure)).toBe('12 ms (11–40, 3 runs)');
  expect(figureText({ ...figure, values: [12] })).toBe('12 ms');
});

test('numbers keep three digits that mean something', () => {
  expect([0.012_34, 1.234, 12.34, 123.4, 12_345].map(numberText)).toEqual([
    '0.0123',
    '1.23',
    '12.3',
    '123',
    '12,345',
  ]);
});

test('a missed goal stands out in the table', () => {
  const table = figuresTable([figure, { ...figure, goal: { atMost: 5 } }]);
  expect(table).toContain('| p99 | 12 ms (11–40, 3 runs) | ≤ 12 ms | met |');
  expect(table).toContain('| ≤ 5 ms | **missed** |');
});
