import { describe, expect, it } from 'vitest';
import { exactTimeText, relativeTimeText } from './relative-time-text.ts';

const NOW = Date.parse('2026-01-02T12:00:00Z');

describe('relative time', () => {
  it.each([
    [0, 'just now'],
    [9_999, 'just now'],
    [10_000, '10 s ago'],
    [59_999, '50 s ago'],
    [60_000, '1 min ago'],
    [3_599_999, '59 min ago'],
    [3_600_000, '1 h ago'],
    [86_399_999, '23 h ago'],
    [86_400_000, '1 day ago'],
    [5 * 86_400_000, '5 days ago'],
  ])('of an age of %i ms is "%s"', (age, text) => {
    expect(relativeTimeText(NOW - age, NOW)).toBe(text);
  });

  it('is never in the future, whatever the server’s clock says', () => {
    expect(relativeTimeText(NOW + 90_000, NOW)).toBe('just now');
  });

  it('is exact to the second, with its zone, where it is exact', () => {
    expect(exactTimeText(NOW)).toMatch(/2026.*12:00:00.*UTC/);
  });
});
