// What a ring drops is let go, however few entries it holds.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { createRing } from './ring.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Pushes ten entries and says which of them are still held. */
async function heldAfter(push: (entry: Entry) => void): Promise<number[]> {
  const refs: WeakRef<Entry>[] = [];
  for (let offset = 1; offset <= 10; offset += 1) {
    const entry = { offset: toOffset(offset), text: `${offset}`.repeat(10) };
    refs.push(new WeakRef(entry));
    push(entry);
  }
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  return refs.flatMap((ref) => ref.deref()?.offset ?? []);
}

interface Entry {
  readonly offset: ReturnType<typeof toOffset>;
  readonly text: string;
}

test('SUB-8: a ring holds what its limits say and no more', async () => {
  const ring = createRing({ maxEvents: 2, maxBytes: 1_000 });
  expect(await heldAfter(ring.push)).toEqual([9, 10]);
  expect(ring.after(toOffset(8), { maxEvents: 9, maxBytes: 1_000 })).toHaveLength(2);
});
