import { expect, test } from 'vitest';
import type { Comparison } from './bench.ts';
import { chartSvg, ticks } from './chart.ts';

const comparison: Comparison = {
  name: 'x',
  title: 'Deliveries & <more>',
  unit: 'k',
  isMoreBetter: true,
  rows: [
    { label: 'ours', isOwn: true, values: [90, 100, 120], ratios: {} },
    { label: 'a peer', isOwn: false, values: [50], ratios: {} },
    { label: 'absent', isOwn: false, values: [], ratios: {} },
  ],
};

test('a chart has a bar for each server that was measured, and a whisker where rounds differ', () => {
  const svg = chartSvg(comparison);
  expect(svg.match(/<rect class="(own|peer)"/g)).toEqual([
    '<rect class="own"',
    '<rect class="peer"',
  ]);
  expect(svg.match(/class="whisker"/g)).toHaveLength(1);
  expect(svg).not.toContain('absent');
});

test('a bar is as long as its median on the axis that all share', () => {
  const svg = chartSvg(comparison);
  const [own, peer] = [...svg.matchAll(/<rect class="(?:own|peer)"[^>]* width="([\d.]+)"/g)].map(
    ([, length]) => Number(length),
  );
  expect(own).toBeCloseTo(2 * (peer ?? 0), 1);
});

test('text stays text, escaped, and colours follow light and dark', () => {
  const svg = chartSvg(comparison);
  expect(svg).toContain('>Deliveries &amp; &lt;more&gt;</text>');
  expect(svg).toContain('ours: 100 k; a peer: 50 k');
  expect(svg).toContain('prefers-color-scheme:dark');
});

test('the axis has few steps of round numbers and reaches the longest whisker', () => {
  expect(ticks(120)).toEqual([0, 50, 100, 150]);
  expect(ticks(0.7)).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
  expect(ticks(1_950)).toEqual([0, 500, 1_000, 1_500, 2_000]);
  expect(ticks(0)).toEqual([0, 1]);
});
