// Cases of an expected head. Rule: LOG-13.

import { type Expected, encodeCursor } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import type { AppendEvent } from '../../seams/log.ts';
import { assert, assertEqual } from '../check.ts';
import {
  accepted,
  appendOne,
  dataOf,
  type EngineCase,
  event,
  range,
  readAll,
} from './engine-case.ts';
import { assertRefused, by, codesOf } from './producer-cases.ts';

export const expectCases: readonly EngineCase[] = [
  {
    rule: 'LOG-13',
    title: 'an append that expects the head is accepted there, and refused with the head elsewhere',
    async run({ engine: { log } }) {
      const first = accepted((await log.append([at('doc', 1, 'empty')]))[0]);
      const second = accepted((await log.append([at('doc', 2, first)]))[0]);
      for (const expect of ['empty', first, { ...second, offset: toOffset(3) }] as const) {
        const [refused] = await log.append([at('doc', 'lost', expect)]);
        assertRefused(refused, 'publish/conflict', { head: encodeCursor(second) });
      }
      assertEqual(codesOf(await log.append([at('doc', 3, second)])), ['ok'], 'at the head');
      assertEqual(dataOf(await readAll(log, 'doc')), [1, 2, 3], 'what is kept');
    },
  },
  {
    rule: 'LOG-13',
    title:
      'the same offset of another epoch is a conflict, and so is any cursor of an empty channel but its own',
    async run({ engine: { log } }) {
      const { epoch } = await readAll(log, 'doc');
      const other = `${epoch.slice(0, 20)}-other`;
      const expected: Expected[] = [
        { epoch: other, offset: toOffset(0) },
        { epoch, offset: toOffset(1) },
      ];
      for (const expect of expected) {
        const [refused] = await log.append([at('doc', 'lost', expect)]);
        assertRefused(refused, 'publish/conflict', { head: `${epoch}.0` });
      }
      const [first] = await log.append([at('doc', 'kept', { epoch, offset: toOffset(0) })]);
      assertEqual(encodeCursor(accepted(first)), `${epoch}.1`, 'the cursor of the first');
      const [refused] = await log.append([
        at('doc', 'lost', { epoch: other, offset: toOffset(1) }),
      ]);
      assertRefused(refused, 'publish/conflict', { head: `${epoch}.1` });
    },
  },
  {
    rule: 'LOG-13',
    title: 'within a batch the head is the one after the requests before',
    async run({ engine: { log } }) {
      const { epoch, offset } = await appendOne(log, 'doc', 1);
      const outcomes = await log.append([
        at('doc', 2, { epoch, offset }),
        at('doc', 'lost', { epoch, offset }),
        at('doc', 3, { epoch, offset: toOffset(2) }),
        event('doc', 4),
        at('other', 1, 'empty'),
        at('other', 'lost', 'empty'),
        at('doc', 5, { epoch, offset: toOffset(4) }),
      ]);
      const codes = ['ok', 'publish/conflict', 'ok', 'ok', 'ok', 'publish/conflict', 'ok'];
      assertEqual(codesOf(outcomes), codes, 'what became of each');
      assertEqual(dataOf(await readAll(log, 'doc')), [1, 2, 3, 4, 5], 'what is kept');
    },
  },
  {
    rule: 'LOG-13',
    title: 'a repeat is answered wherever the head is, and a conflict takes no key and no sequence',
    async run({ engine: { log } }) {
      const first = accepted((await log.append([{ ...by(1, 1), expect: 'empty' }]))[0]);
      const keyed: AppendEvent = { ...at('run', 'keyed', first), key: 'k' };
      const outcomes = await log.append([
        keyed,
        keyed,
        { ...by(1, 1), expect: 'empty' },
        { ...by(1, 2), expect: first },
        { ...at('run', 'lost', first), key: 'other' },
      ]);
      const codes = ['ok', 'repeat', 'repeat', 'publish/conflict', 'publish/conflict'];
      assertEqual(codesOf(outcomes), codes, 'what became of each');
      const later = await log.append([by(1, 2), { ...at('run', 'kept', 'empty'), key: 'k' }]);
      assertEqual(codesOf(later), ['ok', 'repeat'], 'the sequence and the key later');
      const [other] = await log.append([event('run', 'other', 'other')]);
      assertEqual(codesOf(other === undefined ? [] : [other]), ['ok'], 'the key of the conflict');
    },
  },
  {
    rule: 'LOG-13',
    title: 'of many that write after what they read, none overwrites another',
    async run({ engine: { log } }) {
      const [writers, steps] = [8, 5];
      let conflicts = 0;
      await Promise.all(
        range(1, writers).map(async () => {
          for (let done = 0; done < steps; ) {
            const { epoch, head } = await readAll(log, 'sum');
            const [outcome] = await log.append([at('sum', head + 1, { epoch, offset: head })]);
            if (outcome !== undefined && 'cursor' in outcome) done += 1;
            else conflicts += 1;
          }
        }),
      );
      const sums = dataOf(await readAll(log, 'sum'));
      assertEqual<unknown>(sums, range(1, writers * steps), 'what was written');
      assert(conflicts > 0, 'there were conflicts');
    },
  },
];

function at(channel: string, data: unknown, expect: Expected): AppendEvent {
  const request = event(channel, data);
  if ('isEnd' in request) throw new TypeError('An event');
  return { ...request, expect };
}
