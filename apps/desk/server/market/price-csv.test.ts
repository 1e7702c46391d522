// Price files: what is taken, and which line is blamed for what.
import { expect, test } from 'vitest';
import { dollars } from './money.ts';
import { parsePriceCsv } from './price-csv.ts';

const HEADER = 'symbol,time,open,high,low,close,volume';
const problemsOf = (...lines: string[]): string[] => {
  const parsed = parsePriceCsv([HEADER, ...lines].join('\n'));
  if (parsed.kind === 'prices') return [];
  return parsed.problems.map(({ line, message }) => `${line}: ${message}`);
};

test('bars are read in any column order, with quotes, a byte order mark and CRLF, and sorted', () => {
  const text =
    '\uFEFFTime,Symbol,Open,High,Low,Close,Volume\r\n' +
    '2026-01-06,bb,2,3,1.5,2.5,10\r\n' +
    '"2026-01-05 09:30",AA,1.2345,2,1,2,0\r\n\r\n';
  expect(parsePriceCsv(text)).toEqual({
    kind: 'prices',
    bars: [
      {
        symbol: 'AA',
        timeMs: Date.UTC(2026, 0, 5, 9, 30),
        open: dollars(1.2345),
        high: dollars(2),
        low: dollars(1),
        close: dollars(2),
        volume: 0,
      },
      {
        symbol: 'BB',
        timeMs: Date.UTC(2026, 0, 6),
        open: dollars(2),
        high: dollars(3),
        low: dollars(1.5),
        close: dollars(2.5),
        volume: 10,
      },
    ],
  });
});

test('a zone is honoured', () => {
  const parsed = parsePriceCsv(`${HEADER}\nAA,2026-01-05T09:30:00+02:00,1,1,1,1,1`);
  expect(parsed.kind === 'prices' && parsed.bars[0]?.timeMs).toBe(Date.UTC(2026, 0, 5, 7, 30));
});

test('each wrong line is named with what is wrong in it', () => {
  expect(
    problemsOf(
      'AA,2026-01-05,1,2,1,2,10',
      'AA,2026-13-05,1,2,1,2,10',
      'AA,2026-02-30,1,2,1,2,10',
      'AA,yesterday,1,2,1,2,10',
      'AA,2026-01-06,x,2,1,2,10',
      'AA,2026-01-06,1,2,1,-2,10',
      'AA,2026-01-06,1,2,1,2.00001,10',
      'AA,2026-01-06,1,1.5,1,2,10',
      'AA,2026-01-06,1,2,1.1,2,10',
      'AA,2026-01-06,1,2,1,2,1.5',
      'AA,2026-01-06,1,2',
      'A A,2026-01-06,1,2,1,2,1',
      'AA,"2026-01-06,1,2,1,2,1',
      'AA,2026-01-05,1,2,1,2,10',
    ),
  ).toEqual([
    '3: time "2026-13-05" is not a date like 2026-01-05 or 2026-01-05T09:30:00Z.',
    '4: time "2026-02-30" is not a date like 2026-01-05 or 2026-01-05T09:30:00Z.',
    '5: time "yesterday" is not a date like 2026-01-05 or 2026-01-05T09:30:00Z.',
    '6: open "x" is not a positive decimal with at most four places.',
    '7: close "-2" is not a positive decimal with at most four places.',
    '8: close "2.00001" is not a positive decimal with at most four places.',
    '9: high 1.5 is below another price.',
    '10: low 1.1 is above open or close.',
    '11: volume "1.5" is not a whole number of shares.',
    '12: low is missing (4 of 7 fields are there).',
    '13: symbol "A A" is not 1 to 12 letters, digits, dots or dashes.',
    '14: A quotation mark is opened and not closed.',
    '15: AA has this time already in line 2.',
  ]);
});

test('a wrong header says which columns are missing', () => {
  const messageOf = (text: string): string | undefined => {
    const parsed = parsePriceCsv(text);
    return parsed.kind === 'invalid' ? parsed.problems[0]?.message : undefined;
  };
  expect(messageOf('symbol,time,close\n')).toContain('lacks open, high, low, volume');
  expect(messageOf('symbol;time;open;high;low;close;volume\n')).toContain('not semicolons');
  expect(messageOf('')).toContain('lacks symbol');
  expect(messageOf(HEADER)).toBe('There is no line below the header.');
});

test('a file of errors is cut to the first twenty, and counts the rest', () => {
  const lines = Array.from({ length: 50 }, () => 'AA,never,1,1,1,1,1');
  const parsed = parsePriceCsv([HEADER, ...lines].join('\n'));
  expect(parsed.kind === 'invalid' && [parsed.problems.length, parsed.more]).toEqual([20, 30]);
});
