// The ring answers like the log, or not at all.

import { toOffset } from '@millrace/protocol/wire';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRing } from './ring.ts';

const PAGE = { maxEvents: 10, maxBytes: 1_000 };

test('SUB-8: whatever was pushed, a page is the entries after the offset, contiguous, or null', () => {
  const isRight = fc.check(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 0, max: 320 }),
      (sizes, after) => {
        const ring = createRing({ maxEvents: 20, maxBytes: 2_000 });
        for (const [index, size] of sizes.entries()) {
          ring.push({ offset: toOffset(index + 1), text: 'x'.repeat(size) });
        }
        const page = ring.after(toOffset(after), PAGE);
        // Only what is too old may be missing: the newest entry is always there.
        if (page === null) return after < sizes.length - 1;
        const offsets = page.map((one) => one.offset as number);
        const isContiguous = offsets.every((offset, index) => offset === after + 1 + index);
        const isFed = page.length > 0 === after < sizes.length;
        const bytes = page.reduce((sum, one) => sum + one.text.length, 0);
        const fits = page.length <= PAGE.maxEvents && bytes <= PAGE.maxBytes;
        return isContiguous && isFed && (fits || page.length === 1);
      },
    ),
  );
  expect(isRight.counterexample).toBeNull();
});

test('a cleared ring knows nothing', () => {
  const ring = createRing(PAGE);
  ring.push({ offset: toOffset(1), text: 'a' });
  ring.clear();
  expect(ring.after(toOffset(0), PAGE)).toBeNull();
});
