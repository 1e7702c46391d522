// The generator: fixed numbers for a seed, independent forks, sane deviates.
import { expect, test } from 'vitest';
import { exp, logistic } from './exact-math.ts';
import { createRandom, restoreRandom } from './prng.ts';

const draw = (seed: string, count: number): number[] => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => random.integer(1_000_000));
};

test('a seed gives the same numbers on every machine', () => {
  expect(draw('desk', 5)).toMatchInlineSnapshot(`
    [
      233312,
      609469,
      562398,
      647227,
      145222,
    ]
  `);
  expect(draw('desk', 5)).not.toEqual(draw('desk2', 5));
});

test('a fork does not depend on what its parent has drawn', () => {
  const parent = createRandom('seed');
  const early = parent.fork('child').uniform();
  parent.uniform();
  expect(parent.fork('child').uniform()).toBe(early);
  expect(parent.fork('other').uniform()).not.toBe(early);
});

test('forks are uncorrelated with each other', () => {
  const parent = createRandom('seed');
  const [one, other] = [parent.fork('a'), parent.fork('b')];
  let sum = 0;
  const count = 20_000;
  for (let n = 0; n < count; n += 1) sum += one.normal() * other.normal();
  expect(Math.abs(sum / count)).toBeLessThan(0.03);
});

test('normal deviates have mean 0 and deviation 1, uniform ones fill their range evenly', () => {
  const random = createRandom('moments');
  const count = 50_000;
  const normals = Array.from({ length: count }, () => random.normal());
  const mean = normals.reduce((sum, one) => sum + one, 0) / count;
  const variance = normals.reduce((sum, one) => sum + one * one, 0) / count;
  expect(Math.abs(mean)).toBeLessThan(0.02);
  expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  const bins = new Array<number>(10).fill(0);
  for (let n = 0; n < count; n += 1) {
    const bin = random.integer(10);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  for (const bin of bins) expect(Math.abs(bin / count - 0.1)).toBeLessThan(0.01);
});

test('a restored stream goes on where it was written down', () => {
  const random = createRandom('seed');
  random.normal();
  const copy = restoreRandom(JSON.parse(JSON.stringify(random.snapshot())));
  expect([copy.normal(), copy.uniform()]).toEqual([random.normal(), random.uniform()]);
});

test('the exact exponential is as good as the platform’s', () => {
  for (let x = -20; x <= 20; x += 0.37) {
    expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(1e-13);
  }
  expect(logistic(0)).toBe(0.5);
  expect(logistic(2) + logistic(-2)).toBeCloseTo(1, 14);
});
