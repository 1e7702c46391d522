// The ring answers like the log, or not at all.

import { toOffset } from '@millrace/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRing } from './ring.ts';

const PAGE = { maxEvents: 10, maxBytes: 1_000 };

test('SUB-8: whatever was pushed, a page is the entries after the offset, contiguous, or null', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 0, max: 320 }),
      (sizes, after) => {
        const ring = createRing({ maxEvents: 20, maxBytes: 2_000 });
        for (const [index, size] of sizes.entries()) {
          ring.push({ offset: toOffset(index + 1), text: 'x'.repeat(size) });
        }
        const page = ring.after(toOffset(after), PAGE);
        if (page === null) {
          // Only what is too old may be missing: the newest entry is always there.
          expect(after).toBeLessThan(sizes.length - 1);
          return;
        }
        const left = Math.max(0, sizes.length - after);
        expect(page.map((one) => one.offset)).toEqual(page.map((_, index) => after + 1 + index));
        expect(page.length > 0).toBe(left > 0);
        const bytes = page.reduce((sum, one) => sum + one.text.length, 0);
        expect(page.length <= PAGE.maxEvents && (bytes <= PAGE.maxBytes || page.length === 1)).toBe(
          true,
        );
      },
    ),
  );
});

test('a cleared ring knows nothing', () => {
  const ring = createRing(PAGE);
  ring.push({ offset: toOffset(1), text: 'a' });
  ring.clear();
  expect(ring.after(toOffset(0), PAGE)).toBeNull();
});
