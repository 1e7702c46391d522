// Cases of appending: order, visibility, refusal, end, close. Rules: LOG-1, LOG-2, LOG-6, LOG-10.

import { encodeCursor } from '@millrace/protocol';
import { ZERO_OFFSET } from '@millrace/protocol/wire';
import { assert, assertEqual, assertRejects } from '../check.ts';
import {
  accepted,
  appendOne,
  dataOf,
  type EngineCase,
  end,
  event,
  offsetsOf,
  range,
  readAll,
  WHOLE,
} from './engine-case.ts';

export const appendCases: readonly EngineCase[] = [
  {
    rule: 'LOG-1',
    title: 'offsets begin at 1 and follow the order of the appends, in every channel of its own',
    async run({ engine: { log } }) {
      const outcomes = await log.append([
        event('red', 'a'),
        event('blue', 'b'),
        event('red', 'c'),
        event('blue:7', 'd'),
        event('red', 'e'),
      ]);
      const offsets = outcomes.map((outcome) => accepted(outcome).offset);
      assertEqual<number[]>(offsets, [1, 1, 2, 1, 3], 'the offsets of the batch');
      assertEqual(dataOf(await readAll(log, 'red')), ['a', 'c', 'e'], 'what red holds');
      assertEqual(dataOf(await readAll(log, 'blue')), ['b'], 'what blue holds');
      assertEqual(dataOf(await readAll(log, 'blue:7')), ['d'], 'what blue:7 holds');
    },
  },
  {
    rule: 'LOG-1',
    title: 'sixteen concurrent appenders leave no hole and no double, and each sees its own order',
    async run({ engine: { log } }) {
      const perAppender = 40;
      const answered = await Promise.all(
        range(1, 16).map(async (appender) => {
          const cursors: string[] = [];
          for (const step of range(1, perAppender)) {
            // Alone, and in a batch over two channels in either order: the orders must not lock each other out.
            const shared = event('shared', { appender, step });
            const other = event(`own:${appender % 4}`, { appender, step });
            const batches = [[shared], [shared, other], [other, shared]];
            const batch = batches[(appender + step) % 3] ?? [shared];
            const outcomes = await log.append(batch);
            cursors.push(encodeCursor(accepted(outcomes[batch.indexOf(shared)])));
          }
          return cursors;
        }),
      );
      const page = await readAll(log, 'shared');
      assertEqual(offsetsOf(page), range(1, 16 * perAppender), 'the offsets of the shared channel');
      const given = new Set(answered.flat());
      assertEqual(
        given.size,
        16 * perAppender,
        'the number of different cursors that were answered',
      );
      for (const appender of range(1, 16)) {
        const steps = dataOf(page)
          .map((data) => JSON.stringify(data))
          .filter((text) => text.startsWith(`{"appender":${appender},`));
        const expected = range(1, perAppender).map((step) => JSON.stringify({ appender, step }));
        assertEqual(steps, expected, `the order of appender ${appender}`);
      }
    },
  },
  {
    rule: 'LOG-2',
    title: 'what was answered is seen by the next read, with the answered cursor and time',
    async run({ engine: { log } }) {
      for (const step of range(1, 20)) {
        const [outcome] = await log.append([event('seen', step)]);
        const cursor = accepted(outcome);
        const page = await readAll(log, 'seen');
        assertEqual(page.head, cursor.offset, 'the head after an append');
        assertEqual(page.epoch, cursor.epoch, 'the epoch of the page');
        const text = page.entries.at(-1)?.text ?? '';
        assert(outcome !== undefined && 'at' in outcome, 'an accepted append has a time');
        assert(text.includes(JSON.stringify(outcome.at)), 'the entry has the answered time');
      }
    },
  },
  {
    rule: 'LOG-2',
    title: 'an empty batch is answered with nothing and changes nothing',
    async run({ engine: { log } }) {
      assertEqual((await log.append([])).length, 0, 'the outcomes of nothing');
      assertEqual<number>((await readAll(log, 'idle')).head, 0, 'the head');
    },
  },
  {
    rule: 'LOG-6',
    title:
      'an ended channel refuses appends, takes no offset for them, and the rest of the batch stands',
    async run({ engine: { log } }) {
      const outcomes = await log.append([
        event('short', 1),
        end('short'),
        event('short', 2),
        event('long', 1),
      ]);
      assertEqual<number>(accepted(outcomes[0]).offset, 1, 'the offset before the end');
      assertEqual<number>(accepted(outcomes[1]).offset, 1, 'the last offset, told by the end');
      const refused = outcomes[2];
      assert(refused !== undefined && 'error' in refused, 'an append after the end is refused');
      assertEqual(refused.error.code, 'channel/ended', 'the code of the refusal');
      assertEqual<number>(accepted(outcomes[3]).offset, 1, 'the offset in the other channel');

      const [later, again, more] = await log.append([
        event('short', 3),
        end('short'),
        event('long', 2),
      ]);
      assert(later !== undefined && 'error' in later, 'a later append is refused too');
      assert(again !== undefined && 'cursor' in again, 'ending again is accepted');
      assert(again.isDuplicate, 'ending again is told to be a repeat');
      assertEqual<number>(accepted(more).offset, 2, 'the next offset in the other channel');

      const page = await readAll(log, 'short');
      assert(page.isEnded, 'a page tells that the channel has ended');
      assertEqual(dataOf(page), [1], 'what the ended channel holds');
      assert(!(await readAll(log, 'long')).isEnded, 'the other channel has not ended');
    },
  },
  {
    rule: 'LOG-6',
    title: 'a channel can end before its first event',
    async run({ engine: { log } }) {
      const [outcome] = await log.append([end('stillborn')]);
      assertEqual<number>(accepted(outcome).offset, 0, 'the last offset');
      const page = await readAll(log, 'stillborn');
      assert(page.isEnded, 'it has ended');
      assertEqual<number>(page.head, 0, 'its head');
    },
  },
  {
    rule: 'LOG-10',
    title: 'closing finishes what was begun, refuses what comes later, and may be repeated',
    async run({ engine }) {
      const { log, bus } = engine;
      await appendOne(log, 'last', 1);
      const pending = log.append([event('last', 2)]);
      const closing = engine.close();
      assertEqual<number>(accepted((await pending)[0]).offset, 2, 'the append before the close');
      await closing;
      await engine.close();
      await assertRejects(() => log.append([event('last', 3)]), 'engine/closed', 'append');
      await assertRejects(() => log.read('last', ZERO_OFFSET, WHOLE), 'engine/closed', 'read');
      const retention = { size: 1, maxAgeMs: 1 };
      await assertRejects(() => log.compact('last', retention), 'engine/closed', 'compact');
      await assertRejects(() => bus.publish('topic', 'text'), 'engine/closed', 'publish');
      await assertRejects(
        () => bus.subscribe('topic', () => undefined),
        'engine/closed',
        'subscribe',
      );
    },
  },
];
