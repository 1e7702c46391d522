// Cursors and offsets: their text, and everything that is none.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeCursor, parseCursor } from './cursor.ts';
import { isOffset, nextOffset, previousOffset, toOffset, ZERO_OFFSET } from './offset.ts';

test('CUR-1: offsets are whole numbers from 0, one after the other', () => {
  expect(nextOffset(ZERO_OFFSET)).toBe(1);
  expect(previousOffset(toOffset(1))).toBe(0);
  expect(previousOffset(ZERO_OFFSET)).toBe(0);
  expect([0, 1, 2 ** 53 - 1].map(isOffset)).toEqual([true, true, true]);
  expect([-1, 0.5, 2 ** 53, Number.NaN, '1', null].map(isOffset)).toEqual(Array(6).fill(false));
  expect(() => toOffset(-1)).toThrow(RangeError);
});

test('CUR-2: a cursor survives its text', () => {
  const epoch = fc.stringMatching(/^[A-Za-z0-9_-]{1,32}$/);
  fc.assert(
    fc.property(epoch, fc.maxSafeNat(), (name, offset) => {
      const cursor = { epoch: name, offset: toOffset(offset) };
      expect(parseCursor(encodeCursor(cursor))).toEqual(cursor);
    }),
  );
});

test.each([
  '',
  '.',
  'a',
  'a.',
  '.1',
  'a.01',
  'a.-1',
  'a.1.5',
  'a.1e3',
  'a. 1',
  'a.1\n',
  'a b.1',
  'é.1',
  `${'a'.repeat(33)}.1`,
  'a.9007199254740993',
  'a.99999999999999999',
  1,
  null,
  undefined,
  {},
])('CUR-2: %j is no cursor', (text) => {
  expect(() => parseCursor(text)).toThrowError(
    expect.objectContaining({ code: 'cursor/malformed' }),
  );
});
