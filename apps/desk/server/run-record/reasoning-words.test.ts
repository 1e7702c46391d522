// Stored reasoning in words: of each strategy, of an importer, and what is of no shape that is known.

import { expect, test } from 'vitest';
import { dollars } from '../market/money.ts';
import type { Gap, Reasoning } from '../market/reasoning.ts';
import { closingOf, whyOf } from './reasoning-words.ts';

const gap: Gap = {
  ...{ symbol: 'QUIL', grossBps: 9, netBps: 7.04, ask: dollars(10), bid: dollars(10.01) },
  buyAt: 'harbour',
  sellAt: 'meridian',
};
const forecast = { symbol: 'QUIL', probabilityUp: 0.576, edgeBps: 6.2, costBps: 2.9 };
const signal = { symbol: 'QUIL', score: 1.312, gapPercent: 0.421 };

const REASONINGS: readonly (readonly [
  Partial<Reasoning>,
  string | null,
  string | null,
  string | null,
])[] = [
  [
    { kind: 'momentum', enterAbove: 1.2, leaveBelow: 0.1, entered: [signal], left: [] },
    'its trend score was 1.31 (it enters above 1.2), the fast average 0.42% over the slow one',
    null,
    null,
  ],
  [
    {
      ...{ kind: 'momentum', enterAbove: 1.2, leaveBelow: 0.1, entered: [] },
      left: [{ ...signal, score: -0.001, because: 'faded' }],
    },
    null,
    'the trend had faded to a score of 0.00 (it leaves below 0.1)',
    'trend faded',
  ],
  [
    {
      ...{ kind: 'arbitrage', unwinding: [] },
      taken: [{ ...gap, quantity: 5, expected: dollars(1) }],
    },
    '$10.00 on Harbour against $10.01 on Meridian left 7.0 bp after fees',
    '$10.00 on Harbour against $10.01 on Meridian left 7.0 bp after fees',
    'gap closed',
  ],
  [
    { kind: 'learned', bought: [forecast], sold: [{ ...forecast, because: 'horizon' }] },
    'its model gave 58% for a rise, worth 6.2 bp against 2.9 bp of costs',
    'its horizon was over and only 6.2 bp were expected still',
    'horizon over',
  ],
  [
    { kind: 'hold', targets: 10, filled: 1, buying: 'QUIL' },
    'it is one of the 10 instruments to be held',
    null,
    null,
  ],
  [
    { kind: 'stop_loss', ruleId: 'r', symbol: 'QUIL', limitPercent: 2, lossPercent: 2.1 },
    'the stop loss at 2% was reached (2.10% lost)',
    'the stop loss at 2% was reached (2.10% lost)',
    'stop loss',
  ],
];

test.each(REASONINGS)('%j', (reasoning, bought, sold, closing) => {
  expect(whyOf(reasoning, 'QUIL', 'buy')).toBe(bought);
  expect(whyOf(reasoning, 'QUIL', 'sell')).toBe(sold);
  expect(closingOf(reasoning, 'QUIL')).toBe(closing);
  expect(whyOf(reasoning, 'ZUNO', 'sell')).toBeNull();
});

test('a grid tells whether its level was met or the grid was given up', () => {
  const grid = { symbol: 'QUIL', centre: dollars(50), step: dollars(0.5), choppiness: 3 };
  const tended = { kind: 'grid', grids: [grid], abandoned: [] };
  expect(whyOf(tended, 'QUIL', 'buy')).toBe(
    'a bid of a grid around $50.00 in steps of $0.50 was met',
  );
  expect(closingOf({ kind: 'grid', grids: [], abandoned: ['QUIL'] }, 'QUIL')).toBe('grid given up');
});

test('an imported note is told as it is; anything else gives no words', () => {
  expect(whyOf({ kind: 'note', text: 'earnings beat' }, 'AAPL', 'buy')).toBe('earnings beat');
  for (const odd of [undefined, null, {}, 'because', { kind: 'astrology' }, { kind: 'momentum' }]) {
    expect(whyOf(odd, 'QUIL', 'buy')).toBeNull();
    expect(closingOf(odd, 'QUIL')).toBeNull();
  }
});
