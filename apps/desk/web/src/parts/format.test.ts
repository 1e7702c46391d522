// Numbers as a person reads them.

import { describe, expect, it } from 'vitest';
import { formatChange, formatMarketTime, formatPrice, formatSignedDollars } from './format.ts';

describe('format', () => {
  it('shows a change with its sign and never a negative zero', () => {
    expect(formatChange(0.01234)).toBe('+1.23%');
    expect(formatChange(-0.5)).toBe('−50.00%');
    expect(formatChange(-0.000001)).toBe('0.00%');
  });

  it('shows profit in whole dollars with a sign, and prices to the cent', () => {
    expect(formatSignedDollars(1234.5)).toBe('+$1,235');
    expect(formatSignedDollars(-1234.4)).toBe('−$1,234');
    expect(formatSignedDollars(0.2)).toBe('$0');
    expect(formatPrice(12.5)).toBe('$12.50');
  });

  it('shows the hour of the market', () => {
    expect(formatMarketTime('2026-01-05T14:35:00.000Z')).toBe('14:35 UTC');
  });
});
