// Beats on the ring, by a clock that the test turns.

import { DEFAULT_LIMITS } from '@millrace/protocol';
import { expect, test, vi } from 'vitest';
import { type Beating, createBeats } from './beats.ts';

interface Beater extends Beating {
  readonly beats: number[];
}

function beater(): Beater {
  const beats: number[] = [];
  return { beats, beatPlace: -1, beatIndex: -1, beat: () => void beats.push(performance.now()) };
}

function setUp(random: () => number) {
  const due: (() => void)[] = [];
  const timers = {
    after(_ms: number, run: () => void) {
      due.push(run);
      return () => undefined;
    },
  };
  const beats = createBeats({ limits: DEFAULT_LIMITS, timers, random });
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 50) {
      vi.advanceTimersByTime(50);
      for (const run of due.splice(0)) run();
    }
  };
  return { beats, pass, pending: () => due.length };
}

test('LINK-6: a beat is never faster than the limit nor slower than the carrier', () => {
  const { beats } = setUp(() => 0);
  expect(beats.intervalMs(undefined, 20_000)).toBe(20_000);
  expect(beats.intervalMs(60_000, 20_000)).toBe(20_000);
  expect(beats.intervalMs(2_000, 20_000)).toBe(2_000);
  expect(beats.intervalMs(1, 20_000)).toBe(DEFAULT_LIMITS.minBeatMs);
});

test('LINK-6: every link beats at its interval, no later, wherever it sits on the ring', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const places = [0, 0.3, 0.6, 0.999];
  const { beats, pass } = setUp(() => places.shift() ?? 0);
  const links = [beater(), beater(), beater(), beater()];
  const startedAt = performance.now();
  for (const link of links) beats.start(link, 2_000);
  pass(20_000);
  for (const { beats: times } of links) {
    const gaps = [startedAt, ...times].map((time, index, all) => (all[index + 1] ?? time) - time);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2_000);
    expect(times.length).toBeGreaterThanOrEqual(10);
    expect(times.length).toBeLessThanOrEqual(11);
  }
  vi.useRealTimers();
});

test('LINK-6: a link that left does not beat, nor keep the ring turning; others do not move', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { beats, pass, pending } = setUp(() => 0.5);
  const links = [beater(), beater(), beater()];
  for (const link of links) beats.start(link, 1_000);
  const [first, second, third] = links;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three');
  beats.stop(first, 1_000);
  pass(1_000);
  expect(links.map((link) => link.beats.length)).toEqual([0, 1, 1]);
  // Ends itself in the middle of its beat.
  third.beat = () => beats.stop(third, 1_000);
  pass(1_000);
  expect(second.beats.length).toBe(2);
  beats.stop(second, 1_000);
  pass(100);
  expect(pending()).toBe(0);
  vi.useRealTimers();
});
