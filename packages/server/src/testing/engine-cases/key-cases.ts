// Cases of idempotency keys. Rule: LOG-5.

import { encodeCursor } from '@millrace/protocol';
import { assert, assertEqual } from '../check.ts';
import {
  accepted,
  appendOne,
  dataOf,
  type EngineCase,
  end,
  event,
  range,
  readAll,
} from './engine-case.ts';

export const keyCases: readonly EngineCase[] = [
  {
    rule: 'LOG-5',
    title: 'a repeated key is answered with the first cursor and time, and takes no offset',
    async run({ engine: { log } }) {
      const [first] = await log.append([event('keyed', 'once', 'k1')]);
      await appendOne(log, 'keyed', 'between');
      const [again] = await log.append([event('keyed', 'twice', 'k1')]);
      assert(first !== undefined && 'cursor' in first, 'the first is accepted');
      assert(again !== undefined && 'cursor' in again, 'the repeat is accepted');
      assertEqual(again, { ...first, isDuplicate: true }, 'the answer to the repeat');
      assert(!first.isDuplicate, 'the first is no repeat');
      assertEqual(dataOf(await readAll(log, 'keyed')), ['once', 'between'], 'what is kept');
    },
  },
  {
    rule: 'LOG-5',
    title: 'a key repeated within its batch counts once',
    async run({ engine: { log } }) {
      const outcomes = await log.append([
        event('batch', 'a', 'k'),
        event('batch', 'b', 'k'),
        event('batch', 'c', 'other'),
        event('batch', 'd'),
        event('batch', 'e'),
        event('batch', 'f', 'k'),
      ]);
      const offsets = outcomes.map((outcome) => accepted(outcome).offset);
      assertEqual<number[]>(offsets, [1, 1, 2, 3, 4, 1], 'the offsets');
      assertEqual(dataOf(await readAll(log, 'batch')), ['a', 'c', 'd', 'e'], 'what is kept');
    },
  },
  {
    rule: 'LOG-5',
    title: 'a key belongs to its channel, and any text can be one',
    async run({ engine: { log } }) {
      const keys = ['k', 'K', ' ', '', "'", '\u0000', '\ud800', '\ud801', 'é', 'x'.repeat(5_000)];
      for (const channel of ['one', 'two']) {
        for (const [index, key] of keys.entries()) {
          const cursor = await appendOne(log, channel, key, key);
          assertEqual<number>(cursor.offset, index + 1, `the offset of key ${index} in ${channel}`);
        }
      }
      for (const [index, key] of keys.entries()) {
        const cursor = await appendOne(log, 'two', 'again', key);
        assertEqual<number>(cursor.offset, index + 1, `the offset of the repeated key ${index}`);
      }
    },
  },
  {
    rule: 'LOG-5',
    title: 'of many that use one key at once, one is stored and all get its cursor',
    async run({ engine: { log } }) {
      const cursors = await Promise.all(
        range(1, 16).map((attempt) => appendOne(log, 'race', attempt, 'same')),
      );
      assertEqual(new Set(cursors.map(encodeCursor)).size, 1, 'the number of different cursors');
      assertEqual((await readAll(log, 'race')).entries.length, 1, 'the number of events');
    },
  },
  {
    rule: 'LOG-5',
    title: 'a repeated key is answered after the end, in the same batch and later',
    async run({ engine: { log } }) {
      const outcomes = await log.append([
        event('over', 'kept', 'k'),
        end('over'),
        event('over', 'repeat', 'k'),
        event('over', 'refused', 'late'),
        event('over', 'refused', 'late'),
      ]);
      assertEqual<number>(accepted(outcomes[2]).offset, 1, 'the offset of the repeat');
      for (const index of [3, 4]) {
        const refused = outcomes[index];
        assert(refused !== undefined && 'error' in refused, 'a new key is refused after the end');
      }
      const [later, late] = await log.append([event('over', 'x', 'k'), event('over', 'x', 'late')]);
      assertEqual<number>(accepted(later).offset, 1, 'the offset of the later repeat');
      assert(late !== undefined && 'error' in late, 'a key that was refused is not remembered');
    },
  },
];
