// The simulated prices: the same everywhere, of plausible size, correlated, and on weekdays.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sessionTime } from './calendar.ts';
import { SIMULATED_INSTRUMENTS } from './instrument.ts';
import { simulatedPrices } from './simulator.ts';

/** Daily returns per instrument over some days. */
function dailyReturns(seed: string, days: number): number[][] {
  const source = simulatedPrices({ seed, ticksPerDay: 200 })(undefined);
  const last = SIMULATED_INSTRUMENTS.map(({ startPrice }) => startPrice);
  const returns: number[][] = SIMULATED_INSTRUMENTS.map(() => []);
  for (let tick = 0; tick < days * 200; tick += 1) {
    const { isDayEnd, prices } = source.step();
    if (!isDayEnd) continue;
    for (const [n, { price }] of prices.entries()) {
      returns[n]!.push(price / last[n]! - 1);
      last[n] = price;
    }
  }
  return returns;
}

const deviation = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

test('a seed gives the same prices on every machine, to the last unit', () => {
  const source = simulatedPrices({ seed: 'desk' })(undefined);
  for (let tick = 0; tick < 999; tick += 1) source.step();
  const { time, day, tickOfDay, prices } = source.step();
  expect([time, day, tickOfDay]).toEqual(['2026-01-06T13:49:21.000Z', 1, 399]);
  expect(prices.map(({ price, volume }) => `${price}/${volume}`).join(' ')).toMatchInlineSnapshot(
    `"1815739/61 605850/233 925426/117 728417/63 1249329/186 563927/119 1456393/60 2534504/78 1115424/36 805257/371"`,
  );
});

test('nothing in the market or the agents uses platform mathematics, chance or the clock', () => {
  const forbidden =
    /Math\.(?!abs|min|max|floor|ceil|round|sqrt|sign|imul)|\*\*|Date\.now|new Date\(\)|performance\./;
  const roots = [import.meta.dirname, join(import.meta.dirname, '../agents')];
  const files = roots.flatMap((root) =>
    readdirSync(root, { recursive: true, withFileTypes: true })
      .filter(({ name }) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  expect(files.length).toBeGreaterThan(40);
  const offending = files.filter((file) => {
    const code = readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\/|\/\/.*/g, '');
    return forbidden.test(code);
  });
  expect(offending).toEqual([]);
});

test('daily volatility is between 1 and 3 percent on the whole', () => {
  const all = dailyReturns('volatility', 250);
  const each = all.map(deviation);
  expect(deviation(all.flat())).toBeGreaterThan(0.015);
  expect(deviation(all.flat())).toBeLessThan(0.026);
  for (const one of each) {
    expect(one).toBeGreaterThan(0.009);
    expect(one).toBeLessThan(0.035);
  }
});

test('instruments move together, those with more beta more so', () => {
  const all = dailyReturns('correlation', 250);
  const mean = all[0]!.map((_, day) => all.reduce((sum, one) => sum + one[day]!, 0) / all.length);
  const correlation = (one: readonly number[]): number =>
    one.reduce((sum, value, day) => sum + value * mean[day]!, 0) /
    one.length /
    (deviation(one) * deviation(mean));
  const each = all.map(correlation);
  for (const one of each) expect(one).toBeGreaterThan(0.25);
  for (const one of each) expect(one).toBeLessThan(0.95);
});

test('prices stay readable over years', () => {
  const source = simulatedPrices({ seed: 'years', ticksPerDay: 40 })(undefined);
  let [least, most] = [1, 1];
  for (let tick = 0; tick < 750 * 40; tick += 1) {
    for (const [n, { price }] of source.step().prices.entries()) {
      const ratio = price / SIMULATED_INSTRUMENTS[n]!.startPrice;
      least = Math.min(least, ratio);
      most = Math.max(most, ratio);
    }
  }
  expect(least).toBeGreaterThan(0.15);
  expect(most).toBeLessThan(6);
});

test('days fall on weekdays, from 09:30 to 16:00', () => {
  const at = (day: number, tickOfDay: number): string =>
    sessionTime('2026-01-07', { day, tickOfDay, ticksPerDay: 390 });
  expect([at(0, 0), at(2, 389), at(3, 0)]).toEqual([
    '2026-01-07T09:30:00.000Z',
    '2026-01-09T15:59:00.000Z',
    '2026-01-12T09:30:00.000Z',
  ]);
  expect(() => sessionTime('2026-01-10', { day: 0, tickOfDay: 0, ticksPerDay: 1 })).toThrow(
    'weekday',
  );
  expect(() => simulatedPrices({ seed: 'x', ticksPerDay: 3 })).toThrow('ticksPerDay is 3');
});
