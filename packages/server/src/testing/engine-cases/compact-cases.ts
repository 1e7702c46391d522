// Cases of compaction: what is trimmed, what stays, and the stored snapshot. Rule: LOG-8.

import type { StoredSnapshot } from '../../seams/log.ts';
import { assert, assertEqual, assertRejects, eventually } from '../check.ts';
import {
  appendOne,
  dataOf,
  type EngineCase,
  end,
  event,
  offset,
  offsetsOf,
  range,
  readAll,
} from './engine-case.ts';

const HOUR_MS = 3_600_000;

export const compactCases: readonly EngineCase[] = [
  {
    rule: 'LOG-8',
    title: 'what is over the size goes, oldest first; offsets go on where they were',
    async run({ engine: { log } }) {
      await log.append(range(1, 10).map((step) => event('sized', step)));
      for (const attempt of ['first', 'repeated']) {
        await log.compact('sized', { size: 4, maxAgeMs: HOUR_MS });
        const page = await readAll(log, 'sized');
        assertEqual<number>(page.first, 7, `the first kept offset after the ${attempt} compaction`);
        assertEqual<number>(page.head, 10, 'the head');
        assertEqual(offsetsOf(page), [7, 8, 9, 10], 'the kept offsets');
      }
      assertEqual<number>((await appendOne(log, 'sized', 11)).offset, 11, 'the next offset');
      const afterTrimmed = await readAll(log, 'sized', offset(2));
      assertEqual(dataOf(afterTrimmed), [7, 8, 9, 10, 11], 'what is kept after a trimmed offset');
    },
  },
  {
    rule: 'LOG-8',
    title: 'what is over the age goes, and a channel can be empty with its head kept',
    async run({ engine: { log } }) {
      await log.append(range(1, 3).map((step) => event('aged', step)));
      await log.compact('aged', { size: 100, maxAgeMs: HOUR_MS });
      assertEqual((await readAll(log, 'aged')).entries.length, 3, 'the young events');
      // The engine's clock has to move on by more than the age: until then nothing is over it.
      await eventually(async () => {
        await log.compact('aged', { size: 100, maxAgeMs: 1 });
        return (await readAll(log, 'aged')).entries.length === 0;
      }, 'events older than 1 ms go');
      const page = await readAll(log, 'aged');
      assertEqual<number[]>(
        [page.first, page.head],
        [4, 3],
        'first and head of the emptied channel',
      );
      assertEqual<number>((await appendOne(log, 'aged', 4)).offset, 4, 'the next offset');
    },
  },
  {
    rule: 'LOG-8',
    title: 'a stored snapshot comes back with each page, and the newest stays',
    async run({ engine: { log } }) {
      await log.append(range(1, 6).map((step) => event('folded', step)));
      const newer: StoredSnapshot = { offset: offset(5), version: 2, text: '{"sum":"15 €"}' };
      const older: StoredSnapshot = { offset: offset(3), version: 1, text: '{"sum":6}' };
      const retention = { size: 100, maxAgeMs: HOUR_MS };
      await log.compact('folded', { ...retention, snapshot: newer });
      await log.compact('folded', { ...retention, snapshot: older });
      assertEqual((await readAll(log, 'folded')).snapshot, newer, 'the snapshot of a page');
      const small = await log.read('folded', offset(2), { maxEvents: 2, maxBytes: 10_000 });
      assertEqual(small.snapshot, newer, 'the snapshot of a later page');
      assertEqual(offsetsOf(small), [3, 4], 'the entries beside it');
      assertEqual((await readAll(log, 'folded', offset(6))).snapshot, newer, 'that at the head');
      const rewritten: StoredSnapshot = { ...newer, version: 3, text: '[]' };
      await log.compact('folded', { ...retention, snapshot: rewritten });
      assertEqual((await readAll(log, 'folded')).snapshot, rewritten, 'one of a newer version');
    },
  },
  {
    rule: 'LOG-8',
    title: 'what a snapshot is needed for is trimmed only up to it',
    async run({ engine: { log } }) {
      await log.append(range(1, 10).map((step) => event('needed', step)));
      const retention = { size: 2, maxAgeMs: HOUR_MS, needsSnapshot: true };
      await log.compact('needed', retention);
      assertEqual<number>((await readAll(log, 'needed')).first, 1, 'the first without a snapshot');
      const snapshot: StoredSnapshot = { offset: offset(6), version: 1, text: '21' };
      await log.compact('needed', { ...retention, snapshot });
      const page = await readAll(log, 'needed');
      assertEqual(offsetsOf(page), [7, 8, 9, 10], 'what is kept after the snapshot');
      assertEqual(page.snapshot, snapshot, 'the snapshot');
    },
  },
  {
    rule: 'LOG-8',
    title: 'a snapshot of more than the channel holds is refused, and changes nothing',
    async run({ engine: { log } }) {
      await log.append([event('early', 1), event('early', 2)]);
      const snapshot: StoredSnapshot = { offset: offset(3), version: 1, text: '{}' };
      const retention = { size: 1, maxAgeMs: HOUR_MS, snapshot };
      await assertRejects(() => log.compact('early', retention), 'request/invalid', 'the snapshot');
      const page = await readAll(log, 'early');
      assertEqual(page.snapshot, null, 'the snapshot');
      assertEqual(offsetsOf(page), [1, 2], 'the entries');
    },
  },
  {
    rule: 'LOG-8',
    title: 'compacting one channel leaves the others, the end and the keys alone',
    async run({ engine: { log } }) {
      await log.append([event('one', 1, 'k'), event('one', 2), end('one'), event('two', 1)]);
      await log.compact('one', { size: 1, maxAgeMs: HOUR_MS });
      await log.compact('nobody', { size: 1, maxAgeMs: HOUR_MS });
      const page = await readAll(log, 'one');
      assertEqual(offsetsOf(page), [2], 'what is kept');
      assert(page.isEnded, 'it has still ended');
      assertEqual<number>((await appendOne(log, 'one', 1, 'k')).offset, 1, 'the repeated key');
      assertEqual(offsetsOf(await readAll(log, 'two')), [1], 'what the other channel holds');
      assertEqual<number>((await readAll(log, 'nobody')).head, 0, 'the head of one never used');
    },
  },
];
