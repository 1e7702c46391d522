// What was pushed is read as it was, whatever was trimmed before it and wherever a chunk ends.

import { toOffset } from '@millrace/protocol/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LogEntry } from '../../seams/log.ts';
import { BlockPool } from './block-pool.ts';
import { EntryQueue } from './entry-queue.ts';

const everything = { maxEvents: 10_000, maxBytes: Number.POSITIVE_INFINITY };

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  // Many and large ones: several chunks.
  fc.integer({ min: 100, max: 70_000 }).map((length) => 'ü'.repeat(length)),
);
const step = fc.oneof(
  { weight: 6, arbitrary: text.map((one) => ({ push: one })) },
  {
    weight: 1,
    arbitrary: fc.record({ upTo: fc.nat(60), size: fc.nat(20), age: fc.nat(60) }),
  },
);

test('LOG-3, LOG-8: reads what a list of the same entries would give', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.nat(60),
      fc.nat(20),
      (steps, after, count) => {
        const queue = new EntryQueue(new BlockPool());
        let model: (LogEntry & { readonly acceptedAt: number })[] = [];
        let head = 0;
        for (const one of steps) {
          if ('push' in one) {
            head += 1;
            const entry = { offset: toOffset(head), text: one.push.toWellFormed() };
            queue.push(entry, head);
            model.push({ ...entry, acceptedAt: head });
          } else {
            const { upTo, size, age } = one;
            queue.trim({ upTo: toOffset(upTo), size, acceptedBefore: age });
            while (isTrimmed(model, upTo, size, age)) model = model.slice(1);
          }
          expect(queue.first).toBe(model[0]?.offset);
        }
        const wanted = model.map(({ offset, text: kept }) => ({ offset, text: kept }));
        expect(queue.after(toOffset(0), everything)).toEqual(wanted);
        expect(queue.after(toOffset(after), { ...everything, maxEvents: count })).toEqual(
          wanted.filter(({ offset }) => offset > after).slice(0, count),
        );
      },
    ),
  );
});

function isTrimmed(
  model: readonly { readonly offset: number; readonly acceptedAt: number }[],
  upTo: number,
  size: number,
  acceptedBefore: number,
): boolean {
  const oldest = model[0];
  if (oldest === undefined || oldest.offset > upTo) return false;
  return model.length > size || oldest.acceptedAt < acceptedBefore;
}

test('LOG-3: a page has one entry at least, and no more bytes than asked for', () => {
  const queue = new EntryQueue(new BlockPool());
  for (let offset = 1; offset <= 5; offset += 1) {
    queue.push({ offset: toOffset(offset), text: 'ü'.repeat(50) }, 0);
  }
  const sizes = [1, 100, 199, 200, 1_000].map(
    (maxBytes) => queue.after(toOffset(1), { maxEvents: 10, maxBytes }).length,
  );
  expect(sizes).toEqual([1, 1, 1, 2, 4]);
});

test('LOG-8: a channel that is trimmed all the time takes no more memory', () => {
  const pool = new BlockPool();
  const queue = new EntryQueue(pool);
  for (let offset = 1; offset <= 50_000; offset += 1) {
    queue.push({ offset: toOffset(offset), text: 'x'.repeat(300) }, 0);
    queue.trim({ upTo: toOffset(offset), size: 100, acceptedBefore: -1 });
  }
  expect(queue.first).toBe(49_901);
  // One slab for each size of block that it has had.
  expect(pool.bytes).toBeLessThanOrEqual(7 * 1_048_576);
  queue.clear();
  expect(queue.after(toOffset(0), everything)).toEqual([]);
});
