// Whether a link lives and whether something holds it back: the machine alone, with times of its own.

import { describe, expect, test } from 'vitest';
import {
  type Liveness,
  type LivenessEvent,
  startLiveness,
  stepLiveness,
  type Verdict,
} from './liveness.ts';

const SILENCE_MS = 4_500;

type History = readonly (readonly [at: number, event: LivenessEvent])[];

function play(
  history: History,
  start: Liveness = startLiveness(0, SILENCE_MS),
): {
  readonly verdicts: readonly Verdict[];
  readonly liveness: Liveness;
} {
  let liveness = start;
  const verdicts = history.map(([at, event]) => {
    const step = stepLiveness(liveness, event, at);
    liveness = step.liveness;
    return step.verdict;
  });
  return { verdicts, liveness };
}

const byte = { type: 'byte' } as const;
const tick = { type: 'tick' } as const;
const beat = (at: number): LivenessEvent => ({ type: 'beat', at });

/** Ticks exactly when they are due, until the first verdict that is not `alive`. */
function tickOn(start: Liveness): { readonly at: number; readonly verdict: Verdict } {
  let liveness = start;
  for (;;) {
    const at = liveness.tickDueAt;
    const step = stepLiveness(liveness, tick, at);
    if (step.verdict !== 'alive') return { at, verdict: step.verdict };
    liveness = step.liveness;
  }
}

describe('LINK-6', () => {
  test('a link without a byte is dead exactly after its beat and grace', () => {
    expect(tickOn(startLiveness(0, SILENCE_MS))).toEqual({ at: 4_500, verdict: 'dead' });
  });

  test('any byte counts as life', () => {
    const { liveness } = play([[3_000, byte]]);
    expect(tickOn(liveness)).toEqual({ at: 7_500, verdict: 'dead' });
  });

  test('a page that slept through the deadline probes before it gives the link up', () => {
    const { verdicts, liveness } = play([[60_000, tick]]);
    expect(verdicts).toEqual(['probe']);
    expect(tickOn(liveness)).toEqual({ at: 61_000, verdict: 'dead' });
    expect(
      play(
        [
          [60_500, byte],
          [61_000, tick],
        ],
        liveness,
      ).verdicts,
    ).toEqual(['alive', 'alive']);
  });
});

describe('CLI-10', () => {
  test('a probe that nothing answers within a second ends the link', () => {
    const { verdicts, liveness } = play([[2_000, { type: 'probe' }]]);
    expect(verdicts).toEqual(['probe']);
    expect(tickOn(liveness)).toEqual({ at: 3_000, verdict: 'dead' });
  });

  test('a link that was heard within the last second needs no probe', () => {
    expect(
      play([
        [2_000, byte],
        [2_500, { type: 'probe' }],
      ]).verdicts,
    ).toEqual(['alive', 'alive']);
  });
});

describe('CLI-9', () => {
  test('beats that were sent apart and arrive together were held back', () => {
    expect(
      play([
        [5_000, beat(2_000)],
        [5_010, beat(4_000)],
      ]).verdicts,
    ).toEqual(['alive', 'buffered']);
  });

  test('a beat later than the smallest delay by more than 3 s was held back, whatever the clocks say', () => {
    const skew = 1_000_000;
    const steady: History = [
      [2_050, beat(skew + 2_000)],
      [4_050, beat(skew + 4_000)],
    ];
    expect(play([...steady, [9_200, beat(skew + 6_000)]]).verdicts.at(-1)).toBe('buffered');
    expect(play([...steady, [8_900, beat(skew + 6_000)]]).verdicts.at(-1)).toBe('alive');
  });

  test('not within a second of a wake', () => {
    const wake = { type: 'wake' } as const;
    const held: History = [
      [5_000, beat(2_000)],
      [9_000, wake],
    ];
    expect(play([...held, [9_500, beat(4_000)], [9_510, beat(6_000)]]).verdicts.at(-1)).toBe(
      'alive',
    );
    expect(play([...held, [10_500, beat(4_000)], [10_510, beat(6_000)]]).verdicts.at(-1)).toBe(
      'buffered',
    );
  });

  test('the answer to a probe beside a beat is no sign of buffering', () => {
    expect(
      play([
        [2_000, beat(2_000)],
        [2_030, beat(2_020)],
      ]).verdicts,
    ).toEqual(['alive', 'alive']);
  });
});
