// The pace at which agents speak: within its bounds, soon after the start, fast enough for a bench.

import { expect, test } from 'vitest';
import { createTalkPace } from './talk-pace.ts';

const IDS = ['a', 'b', 'c', 'd', 'e'];

/** Plays `forMs` and gives when each agent spoke. */
function play(
  everyMs: number,
  forMs: number,
  options: { readonly hurry?: string; readonly stepMs?: number } = {},
): ReadonlyMap<string, number[]> {
  let draw = 0;
  const random = (): number => {
    draw = (draw + 0.618) % 1;
    return draw;
  };
  const pace = createTalkPace(IDS, { everyMs, nowMs: 0, random });
  const spoken = new Map(IDS.map((id) => [id, [] as number[]]));
  for (let now = 0; now <= forMs; now += options.stepMs ?? 5) {
    if (options.hurry !== undefined) pace.hurry(options.hurry);
    for (const id of pace.due(now)) spoken.get(id)?.push(now);
  }
  return spoken;
}

const gaps = (times: readonly number[]): number[] =>
  times.slice(1).map((time, n) => time - (times[n] ?? 0));

test('every agent speaks within seconds of the start, and then two to four thirds of the pace apart', () => {
  for (const times of play(12_000, 120_000).values()) {
    expect(times[0]).toBeLessThan(5_000);
    for (const gap of gaps(times)) {
      expect(gap).toBeGreaterThanOrEqual(8_000 - 5);
      expect(gap).toBeLessThanOrEqual(16_000 + 5);
    }
  }
});

test('an agent with news speaks as early as its pace allows, and no earlier', () => {
  const times = play(12_000, 120_000, { hurry: 'a' }).get('a') ?? [];
  for (const gap of gaps(times)) expect(Math.abs(gap - 8_000)).toBeLessThanOrEqual(5);
});

test('a pace of 50 ms gives 20 messages a second and agent, also with coarse timers', () => {
  for (const times of play(50, 10_000, { stepMs: 16 }).values()) {
    expect(times.length).toBeGreaterThan(190);
    expect(times.length).toBeLessThan(215);
  }
});

test('after a long sleep nobody bursts', () => {
  const pace = createTalkPace(IDS, { everyMs: 50, nowMs: 0, random: () => 0.5 });
  pace.due(1_000);
  let spoken = 0;
  for (let now = 3_600_000; now < 3_600_100; now += 1) spoken += pace.due(now).length;
  expect(spoken).toBeLessThanOrEqual(IDS.length * 25);
});
