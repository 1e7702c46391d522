// What a run goes on with: made of any run at any place, and written whole however often its owner dies on the way.

import {
  EMPTY_RUN,
  foldRun,
  type RunPart,
  type RunState,
  type RunWrite,
} from '@millrace/protocol/runs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { missingOf, prefixOf } from './prefix.ts';
import { runOfNumbers } from './testing/run-of-numbers.ts';

function fold(events: readonly RunWrite[], from: readonly RunPart[] = []): readonly RunPart[] {
  const state: RunState = { ...EMPTY_RUN, status: 'running', parts: from };
  return events.reduce((before, event) => foldRun(before, event), state).parts;
}

/** Any run as it was when it was stopped at any place. */
const left = fc
  .tuple(fc.array(fc.nat(1_000), { maxLength: 80 }), fc.nat())
  .map(([numbers, place]) => {
    const events = runOfNumbers(numbers);
    return fold(events.slice(0, place % events.length));
  });

function isOpen(part: RunPart): boolean {
  if (part.type === 'step') return part.finishReason === null;
  if (part.type === 'text' || part.type === 'reasoning') return !part.isDone || part.text === '';
  return part.type === 'tool' && (part.status === 'writing' || part.status === 'called');
}

describe('what a run goes on with', () => {
  test('RUN-16: has nothing open, and nothing but what was there', () => {
    fc.assert(
      fc.property(left, (parts) => {
        const prefix = prefixOf(JSON.parse(JSON.stringify(parts)), new Map());
        expect(prefix.filter(isOpen)).toEqual([]);
        const textOf = (all: readonly RunPart[]): string =>
          all.map((part) => (part.type === 'text' ? part.text : '')).join('');
        expect(textOf(prefix)).toBe(textOf(parts));
      }),
    );
  });

  test('RUN-16: is written whole, wherever whoever writes it dies, and costs nothing', () => {
    fc.assert(
      fc.property(left, fc.nat(), (parts, place) => {
        const prefix = prefixOf(JSON.parse(JSON.stringify(parts)), new Map());
        const events = missingOf(prefix, []);
        const written = fold(events.slice(0, place % (events.length + 1)));
        const whole = fold(missingOf(prefix, written), written);
        expect(whole).toEqual(prefix);
        expect(missingOf(prefix, whole)).toEqual([]);
        const costs = events.map(({ type, data }) => (type === 'step-end' ? data.inputTokens : 0));
        expect(costs.every((tokens) => tokens === 0)).toBe(true);
      }),
    );
  });
});
