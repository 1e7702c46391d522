// Cases of compaction: what is trimmed, what stays, and which snapshot is stored. Rules: LOG-8, LOG-8a.

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
    title: 'one compaction takes away all that is over, however much',
    async run({ engine: { log } }) {
      for (const batch of range(0, 20)) {
        await log.append(range(1, 1_000).map((step) => event('vast', batch * 1_000 + step)));
      }
      const snapshot: StoredSnapshot = { offset: offset(20_995), version: 1, text: '"folded"' };
      const retention = { size: 3, maxAgeMs: HOUR_MS, needsSnapshot: true };
      await log.compact('vast', { ...retention, snapshot });
      const page = await readAll(log, 'vast');
      assertEqual(offsetsOf(page), range(20_996, 21_000), 'the kept offsets');
      assertEqual(page.snapshot, snapshot, 'the snapshot');
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
    rule: 'LOG-8a',
    title: 'a slower compaction neither puts an older snapshot back nor trims by it',
    async run({ engine: { log } }) {
      await log.append(range(1, 10).map((step) => event('raced', step)));
      const retention = { size: 1, maxAgeMs: HOUR_MS, needsSnapshot: true };
      const newer: StoredSnapshot = { offset: offset(4), version: 2, text: '10' };
      await log.compact('raced', { ...retention, size: 100, snapshot: newer });
      const older: StoredSnapshot = { offset: offset(3), version: 2, text: '6' };
      await log.compact('raced', { ...retention, size: 100, snapshot: older });
      assertEqual((await readAll(log, 'raced')).snapshot, newer, 'the snapshot of the two');
      await log.compact('raced', { ...retention, snapshot: older });
      const page = await readAll(log, 'raced');
      assertEqual(page.snapshot, newer, 'the snapshot after trimming');
      assertEqual(offsetsOf(page), range(5, 10), 'what is kept: what follows the stored one');
    },
  },
  {
    rule: 'LOG-8a',
    title:
      'a higher version replaces a lower one, also from an earlier place, and never the reverse',
    async run({ engine: { log } }) {
      await log.append(range(1, 10).map((step) => event('raised', step)));
      const retention = { size: 1, maxAgeMs: HOUR_MS, needsSnapshot: true };
      const first: StoredSnapshot = { offset: offset(5), version: 1, text: '"one"' };
      const second: StoredSnapshot = { offset: offset(4), version: 2, text: '"two"' };
      await log.compact('raised', { ...retention, size: 100, snapshot: first });
      await log.compact('raised', { ...retention, size: 100, snapshot: second });
      assertEqual((await readAll(log, 'raised')).snapshot, second, 'the raised one');
      const late: StoredSnapshot = { offset: offset(9), version: 1, text: '"late"' };
      await log.compact('raised', { ...retention, snapshot: late });
      const page = await readAll(log, 'raised');
      assertEqual(page.snapshot, second, 'after one of the lower version, further on');
      assertEqual(offsetsOf(page), range(5, 10), 'what is kept: nothing went by the lower one');
    },
  },
  {
    rule: 'LOG-8a',
    title: 'a snapshot that the channel does not go on from is not stored, whatever its version',
    async run({ engine: { log } }) {
      await log.append(range(1, 10).map((step) => event('holed', step)));
      const retention = { size: 1, maxAgeMs: HOUR_MS, needsSnapshot: true };
      const stored: StoredSnapshot = { offset: offset(8), version: 1, text: '36' };
      await log.compact('holed', { ...retention, snapshot: stored });
      const early: StoredSnapshot = { offset: offset(7), version: 2, text: '28' };
      await log.compact('holed', { ...retention, snapshot: early });
      assertEqual(
        (await readAll(log, 'holed')).snapshot,
        stored,
        'after one with a hole behind it',
      );
      const exact: StoredSnapshot = { offset: offset(8), version: 2, text: '"36"' };
      await log.compact('holed', { ...retention, snapshot: exact });
      assertEqual((await readAll(log, 'holed')).snapshot, exact, 'after one right before the kept');
    },
  },
  {
    rule: 'LOG-8a',
    title: 'a snapshot of another epoch is not stored; one of the channel’s is',
    async run({ engine: { log } }) {
      const { epoch } = await appendOne(log, 'again', 1);
      const retention = { size: 1, maxAgeMs: HOUR_MS, needsSnapshot: true };
      const snapshot: StoredSnapshot = { offset: offset(1), version: 1, text: '1' };
      await log.compact('again', { ...retention, snapshot, epoch: 'elsewhere' });
      // Also one that would be of the future here.
      const other = { ...snapshot, offset: offset(7) };
      await log.compact('again', { ...retention, snapshot: other, epoch: 'elsewhere' });
      const page = await readAll(log, 'again');
      assertEqual(page.snapshot, null, 'the snapshot');
      assertEqual(offsetsOf(page), [1], 'what is kept');
      await log.compact('again', { ...retention, snapshot, epoch });
      assertEqual((await readAll(log, 'again')).snapshot, snapshot, 'the one of this epoch');
    },
  },
  {
    rule: 'LOG-8a',
    title: 'of many compactions at once the newest snapshot stays, and the channel goes on from it',
    async run({ engine: { log } }) {
      await log.append(range(1, 40).map((step) => event('crowded', step)));
      // Slower and faster ones of two versions, in no order: 7 has no common divisor with 40.
      const snapshots = range(0, 39).map((step): StoredSnapshot => {
        const at = ((step * 7) % 40) + 1;
        return { offset: offset(at), version: 1 + (step % 2), text: `"${step % 2} ${at}"` };
      });
      const compacting = snapshots.map((snapshot, index) =>
        log.compact('crowded', {
          size: index % 3 === 0 ? 1 : 100,
          maxAgeMs: HOUR_MS,
          needsSnapshot: true,
          snapshot,
        }),
      );
      await Promise.all(compacting);
      const page = await readAll(log, 'crowded');
      assert(page.snapshot !== null, 'a snapshot is stored');
      assertEqual(page.snapshot.version, 2, 'its version');
      const newest = snapshots.filter(({ version }) => version === 2).map((one) => one.offset);
      assertEqual<number>(page.snapshot.offset, Math.max(...newest), 'its offset');
      assert(page.first <= page.snapshot.offset + 1, 'the entries go on from the snapshot');
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
      await assertRejects(() => log.compact('nobody', retention), 'request/invalid', 'of nobody');
      // Of a channel that was there in another epoch: that is no mistake, only late.
      await log.compact('nobody', { ...retention, epoch: 'elsewhere' });
      assertEqual<number>((await readAll(log, 'nobody')).head, 0, 'the head of one never used');
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
