// Places for streams among tabs, over a lock manager of the browser's manners.

import { expect, test } from 'vitest';
import { defaultEnvironment } from './environment.ts';
import { createTabSlots } from './slots.ts';

/** What tabs of one origin share. Only exclusive locks with `ifAvailable`. */
function sharedLocks(): LockManager {
  const held = new Set<string>();
  const request = async (
    name: string,
    _options: LockOptions,
    run: (lock: Lock | null) => Promise<void> | undefined,
  ): Promise<void> => {
    if (held.has(name)) return run(null);
    held.add(name);
    await run({ name, mode: 'exclusive' });
    held.delete(name);
  };
  return { request, query: async () => ({}) } as unknown as LockManager;
}

test('CLI-12: four tabs get a place, a fifth gets one when one of them leaves', async () => {
  const locks = sharedLocks();
  const tabs = Array.from({ length: 5 }, () => createTabSlots(locks, () => false));
  const places = [];
  for (const acquire of tabs) places.push(await acquire());
  expect(places.map((place) => place !== null)).toEqual([true, true, true, true, false]);
  places[1]?.();
  await expect.poll(() => tabs[4]?.()).not.toBeNull();
});

test('CLI-12: the two links of a hand-over share a place, which is free when both are gone', async () => {
  const locks = sharedLocks();
  const tabs = Array.from({ length: 5 }, () => createTabSlots(locks, () => false));
  const [first, , , , fifth] = tabs;
  const places = [];
  for (const acquire of tabs) places.push(await acquire());
  const next = await first?.();
  expect(next).not.toBeNull();
  places[0]?.();
  expect(await fifth?.()).toBeNull();
  next?.();
  await expect.poll(() => fifth?.()).not.toBeNull();
});

test('CLI-12: without locks, or where streams share a connection, there is always a place', async () => {
  const withoutLocks = createTabSlots(undefined, () => false);
  const multiplexed = createTabSlots(sharedLocks(), () => true);
  for (let n = 0; n < 6; n += 1) {
    expect(await withoutLocks()).not.toBeNull();
    expect(await multiplexed()).not.toBeNull();
  }
});

test('CLI-12: clients in Node share no limit of connections, so each has a place', async () => {
  const environments = Array.from({ length: 6 }, () => defaultEnvironment());
  for (const { acquireSlot } of environments) expect(await acquireSlot()).not.toBeNull();
});
