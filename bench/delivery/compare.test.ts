import { expect, test } from 'vitest';
import { comparisonTable } from '../lib/report.ts';
import { compare, kernelLimit, lossFigure, ratioFigures, ratiosOf, valuesOf } from './compare.ts';
import type { ContestantName } from './contestants.ts';
import { type LoadLine, parseLoadLines } from './load-lines.ts';
import { deliveriesPerCpuS } from './reads.ts';

function window(perServerCpuS: number, gaps = 0): LoadLine[] {
  const line = { phase: 'max', burst: 1, perServerCpuS, gaps, duplicates: 0, reordered: 0 };
  return parseLoadLines(JSON.stringify({ ...line, closed: 0 }));
}

const lines = new Map<ContestantName, LoadLine[][]>([
  ['millrace-ws', [window(200_000), window(90_000, 2)]],
  ['ws-naive', [window(100_000), window(50_000)]],
  ['limit-ws', [window(250_000), window(100_000)]],
  ['limit-sse', [window(240_000), window(120_000)]],
]);

test('a ratio is made within its round', () => {
  expect(ratiosOf(lines, 'millrace-ws', 'ws-naive', deliveriesPerCpuS())).toEqual([2, 1.8]);
});

test('the kernel limit of a round is the better of its two servers', () => {
  expect(valuesOf(lines, kernelLimit, deliveriesPerCpuS())).toEqual([250, 120]);
  expect(ratiosOf(lines, 'millrace-ws', kernelLimit, deliveriesPerCpuS())).toEqual([0.8, 0.75]);
});

test('a ratio to a server that did not take part is no figure', () => {
  const goal = { label: 'x', of: 'millrace-ws', read: deliveriesPerCpuS(), goal: { atLeast: 1 } };
  const figures = ratioFigures(lines, [
    { ...goal, of: 'millrace-ws', to: 'bun' },
    { ...goal, of: 'millrace-ws', to: 'ws-naive' },
  ]);
  expect(figures.map(({ values }) => values)).toEqual([[2, 1.8]]);
});

test('losses of ours are a figure whose goal is none', () => {
  expect(lossFigure(lines)).toMatchObject({ values: [0, 2], goal: { atMost: 0 } });
});

test('a comparison has the servers that were measured, each with its ratios, as a table', () => {
  const comparison = compare(lines, {
    name: 'x',
    title: 'x',
    unit: 'k',
    names: ['millrace-ws', 'bun', 'ws-naive'],
    read: deliveriesPerCpuS(),
    against: { naive: 'ws-naive' },
    isMoreBetter: true,
  });
  expect(comparisonTable(comparison).split('\n')).toEqual([
    '| | k | ÷ naive |',
    '|---|---|---|',
    '| **Millrace, WebSocket** | 145 (90–200) | 1.90 (1.80–2.00) |',
    '| ws, client.send in a loop | 75 (50–100) | 1.00 (1.00–1.00) |',
  ]);
});
