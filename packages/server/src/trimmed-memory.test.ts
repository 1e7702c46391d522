// What is trimmed is let go, however few entries a channel has.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { createEntryQueue } from './engines/memory/entry-queue.ts';
import { createRing } from './ring.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Pushes ten entries, lets `trim` drop some, and says which of them are still held. */
async function heldAfter(push: (entry: Entry) => void, trim: () => void): Promise<number[]> {
  const refs: WeakRef<Entry>[] = [];
  for (let offset = 1; offset <= 10; offset += 1) {
    const entry = { offset: toOffset(offset), text: `${offset}`.repeat(10), acceptedAt: 0 };
    refs.push(new WeakRef(entry));
    push(entry);
  }
  trim();
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  return refs.flatMap((ref) => ref.deref()?.offset ?? []);
}

interface Entry {
  readonly offset: ReturnType<typeof toOffset>;
  readonly text: string;
  readonly acceptedAt: number;
}

test('LOG-8: the memory of trimmed entries is given back', async () => {
  const queue = createEntryQueue();
  const trim = () => queue.trim({ upTo: toOffset(10), size: 2, acceptedBefore: -1 });
  expect(await heldAfter(queue.push, trim)).toEqual([9, 10]);
  expect(queue.first()).toBe(9);
});

test('SUB-8: a ring holds what its limits say and no more', async () => {
  const ring = createRing({ maxEvents: 2, maxBytes: 1_000 });
  expect(await heldAfter(ring.push, () => undefined)).toEqual([9, 10]);
  expect(ring.after(toOffset(8), { maxEvents: 9, maxBytes: 1_000 })).toHaveLength(2);
});
