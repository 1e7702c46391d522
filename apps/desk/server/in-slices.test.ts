// Long work in slices: others have their turn in between, and what goes wrong in it is the caller's.

import { expect, test } from 'vitest';
import { inSlices } from './in-slices.ts';

test('others have their turn after each slice, and the result comes', async () => {
  let clock = 0;
  let turns = 0;
  let isDone = false;
  const others = (): void => {
    if (isDone) return;
    turns += 1;
    setImmediate(others);
  };
  setImmediate(others);
  function* work(): Generator<void, string> {
    for (let step = 0; step < 100; step += 1) {
      clock += 2;
      yield;
    }
    return 'done';
  }
  await expect(inSlices(work(), { sliceMs: 10, now: () => clock })).resolves.toBe('done');
  isDone = true;
  // 200 ms of work, 10 at a time.
  expect(turns).toBeGreaterThanOrEqual(19);
});

test('what a step throws rejects', async () => {
  function* work(): Generator<void, string> {
    yield;
    throw new Error('no such step');
  }
  await expect(inSlices(work())).rejects.toThrow('no such step');
});
