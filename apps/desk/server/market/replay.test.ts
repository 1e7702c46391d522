// Replay of bars: four ticks a bar, days by date, gaps carried, an end that is announced.
import { expect, test } from 'vitest';
import { dollars } from './money.ts';
import { type PriceBar, parsePriceCsv } from './price-csv.ts';
import { replayedPrices } from './replay.ts';

function barsOf(...lines: string[]): readonly PriceBar[] {
  const parsed = parsePriceCsv(['symbol,time,open,high,low,close,volume', ...lines].join('\n'));
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  return parsed.bars;
}

const BARS = barsOf(
  'AA,2026-01-05T10:00Z,10,12,9,11,10',
  'AA,2026-01-05T11:00Z,11,11.5,8,9,8',
  'BB,2026-01-05T11:00Z,20,21,19,20,4',
  'AA,2026-01-06T10:00Z,9,9,9,9,0',
);

test('a bar plays as open, the nearer extreme, the other one, close, with its volume in parts', () => {
  const source = replayedPrices(BARS)(undefined);
  const first = [source.step(), source.step(), source.step(), source.step()];
  expect(first.map(({ prices }) => prices[0]!.price)).toEqual([11, 11.5, 8, 9].map(dollars));
  expect(first.map(({ prices }) => prices[0]!.volume)).toEqual([2, 2, 2, 2]);
  expect(first.map(({ prices }) => prices[1]!.price)).toEqual([20, 19, 21, 20].map(dollars));
  expect(first.map(({ time }) => time.slice(11, 16))).toEqual(['11:00', '11:15', '11:30', '11:45']);
});

test('it begins when every symbol has a price, carries gaps on, and marks days and the end', () => {
  const source = replayedPrices(BARS)(undefined);
  const steps = Array.from({ length: 8 }, () => source.step());
  expect(steps.map(({ day, tickOfDay }) => `${day}.${tickOfDay}`).join(' ')).toBe(
    '0.0 0.1 0.2 0.3 1.0 1.1 1.2 1.3',
  );
  expect(steps.map(({ isDayEnd }) => isDayEnd).join(' ')).toBe(
    'false false false true false false false true',
  );
  expect(steps.map(({ isLast }) => isLast).indexOf(true)).toBe(7);
  expect(steps[5]!.prices[1]).toEqual({ price: dollars(20), volume: 0 });
  expect(() => source.step()).toThrow('played out');
});

test('it goes on where it was written down', () => {
  const factory = replayedPrices(BARS);
  const source = factory(undefined);
  source.step();
  const copy = factory(JSON.parse(JSON.stringify(source.snapshot())));
  expect(copy.step()).toEqual(source.step());
});

test('the price step is a cent, or finer when the prices are', () => {
  expect(replayedPrices(BARS)(undefined).instruments[0]?.tickSize).toBe(dollars(0.01));
  const fine = replayedPrices(barsOf('FX,2026-01-05,1.0812,1.09,1.08,1.085,100'))(undefined);
  expect(fine.instruments[0]?.tickSize).toBe(1);
});

test('no bars are a wrong call', () => {
  expect(() => replayedPrices([])).toThrow('no time at which every symbol has a price');
});
