// Money arithmetic is exact, symmetric and writes itself without loss.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dollars, formatMoney, fromDecimal, scale, toDecimal } from './money.ts';

const amount = fc.integer({ min: -9e14, max: 9e14 });

test('the exact decimal is read back as the same amount', () => {
  fc.assert(
    fc.property(amount, (one) => {
      expect(fromDecimal(toDecimal(one))).toBe(one);
    }),
  );
});

test('scaling equals exact rational arithmetic, rounded half away from zero', () => {
  const ratio = fc.integer({ min: 1, max: 1e9 });
  fc.assert(
    fc.property(amount, ratio, ratio, (one, numerator, denominator) => {
      const exact = BigInt(one) * BigInt(numerator);
      const size = exact < 0n ? -exact : exact;
      const rounded = (size * 2n + BigInt(denominator)) / (2n * BigInt(denominator));
      const expected = Number(exact < 0n ? -rounded : rounded);
      expect(scale(one, numerator, denominator) === expected).toBe(true);
    }),
  );
});

test('amounts are written for people with separators and a leading sign', () => {
  expect(formatMoney(dollars(1_234_567.895))).toBe('$1,234,567.90');
  expect(formatMoney(dollars(-0.07))).toBe('-$0.07');
  expect(formatMoney(dollars(999))).toBe('$999.00');
  expect(formatMoney(-10)).toBe('$0.00');
});

test('what is not a plain decimal is refused with the text in question', () => {
  for (const text of ['', '1e3', '1,000', '0.12345', 'abc', '--1']) {
    expect(() => fromDecimal(text)).toThrow(`"${text}"`);
  }
});
