// The slot of a name, against the vectors of the Redis Cluster specification and what redis-server said of others.

import { expect, test } from 'vitest';
import { slotOf } from './slot.ts';

test.each([
  ['123456789', 0x31c3],
  ['foo', 12182],
  ['{foo}.bar', 12182],
  ['x{foo}{bar}', 12182],
  ['', 0],
])('REDIS-5: %s is in the slot where its messages are', (name, slot) => {
  expect(slotOf(name)).toBe(slot);
});
