// Blocks never overlap, are used again, and an empty slab is given back.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Block, BlockPool, MAX_BLOCK_BYTES } from './block-pool.ts';

const SLAB = 1_048_576;

test('LOG-3: nobody else writes into a block that is in use', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 1, max: MAX_BLOCK_BYTES + 1_000 }) },
    { weight: 2, arbitrary: fc.nat(50).map((index) => -1 - index) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const pool = new BlockPool();
      const used: { readonly block: Block; readonly mark: number; readonly wanted: number }[] = [];
      for (const [mark, one] of steps.entries()) {
        if (one > 0) {
          const block = pool.take(one);
          block.bytes.fill(mark % 256);
          used.push({ block, mark, wanted: one });
        } else {
          const [given] = used.splice(-1 - one, 1);
          if (given !== undefined) pool.give(given.block);
        }
      }
      for (const { block, mark, wanted } of used) {
        expect(block.bytes.length).toBeGreaterThanOrEqual(wanted);
        expect(block.bytes.every((byte) => byte === mark % 256)).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});

test('LOG-8: what was given back is used again, and of empty slabs one is kept', () => {
  const pool = new BlockPool();
  const takeAll = () => Array.from({ length: 256 }, () => pool.take(MAX_BLOCK_BYTES));
  const blocks = takeAll();
  expect(pool.bytes).toBe(4 * SLAB);
  for (const block of blocks) pool.give(block);
  expect(pool.bytes).toBe(SLAB);
  for (let round = 0; round < 10; round += 1) for (const block of takeAll()) pool.give(block);
  expect(pool.bytes).toBe(SLAB);
});

test('LOG-8: a slab with one block in use stays, and its other blocks are used', () => {
  const pool = new BlockPool();
  const blocks = Array.from({ length: 200 }, () => pool.take(MAX_BLOCK_BYTES));
  const kept = blocks.filter((_, index) => index % 64 === 0);
  for (const [index, block] of blocks.entries()) if (index % 64 !== 0) pool.give(block);
  expect(kept).toHaveLength(4);
  for (let index = 0; index < 200; index += 1) pool.take(MAX_BLOCK_BYTES);
  expect(pool.bytes).toBe(4 * SLAB);
});
