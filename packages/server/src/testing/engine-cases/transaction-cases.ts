// Cases of appending inside the user's transaction. Rule: LOG-9.

import { encodeCursor } from '@millrace/protocol';
import { assert, assertEqual, assertRejects, eventually, fail } from '../check.ts';
import {
  accepted,
  appendOne,
  dataOf,
  type EngineCase,
  type EngineSubject,
  end,
  event,
  readAll,
} from './engine-case.ts';
import { watchHints } from './watch-cases.ts';

export const transactionCases: readonly EngineCase[] = [
  {
    rule: 'LOG-9',
    title: 'what was appended in a transaction is seen and hinted once it commits, not before',
    needs: 'transactions',
    async run(subject) {
      const { log } = subject.engine;
      const { hints } = watchHints(log, 'ledger', 'other');
      await appendOne(log, 'ledger', 'before');
      let heardWithin = -1;
      const cursor = await transactionOf(subject)(async (tx) => {
        const [first] = await log.append([event('ledger', 'within', 'k')], { tx });
        await log.append([event('ledger', 'within too'), event('other', 1)], { tx });
        heardWithin = hints.filter(({ head, channel }) => channel === 'other' || head > 1).length;
        return accepted(first);
      });
      assertEqual(heardWithin, 0, 'the hints before the commit');
      const page = await readAll(log, 'ledger');
      assertEqual(encodeCursor(cursor), `${page.epoch}.2`, 'the cursor that was answered');
      assertEqual(
        dataOf(page),
        ['before', 'within', 'within too'],
        'what is read after the commit',
      );
      await eventually(
        () => hints.some(({ channel, head }) => channel === 'ledger' && head === 3),
        'the watcher hears of the first channel after the commit',
      );
      await eventually(
        () => hints.some(({ channel }) => channel === 'other'),
        'the watcher hears of the second channel after the commit',
      );
      assertEqual<number>((await appendOne(log, 'ledger', 'x', 'k')).offset, 2, 'the repeated key');
    },
  },
  {
    rule: 'LOG-9',
    title: 'what is rolled back leaves no trace: no event, no offset, no key, no end, no hint',
    needs: 'transactions',
    async run(subject) {
      const { log } = subject.engine;
      await appendOne(log, 'undone', 'kept');
      const { hints } = watchHints(log, 'undone', 'fresh');
      const reason = new Error('The user changed their mind.');
      const outcome = await transactionOf(subject)(async (tx) => {
        await log.append([event('undone', 'gone', 'k'), event('fresh', 'gone'), end('undone')], {
          tx,
        });
        throw reason;
      }).then(
        () => 'committed',
        (thrown: unknown) => thrown,
      );
      assert(outcome === reason, 'the transaction rejects with its own reason');
      const page = await readAll(log, 'undone');
      assertEqual(dataOf(page), ['kept'], 'what is read');
      assert(!page.isEnded, 'the channel has not ended');
      assertEqual<number>(
        (await readAll(log, 'fresh')).head,
        0,
        'the head of the channel never made',
      );
      assertEqual<number>(
        (await appendOne(log, 'undone', 'next', 'k')).offset,
        2,
        'the next offset',
      );
      await eventually(() => hints.some(({ head }) => head === 2), 'the next append is heard of');
      assert(
        !hints.some(({ channel }) => channel === 'fresh'),
        'the channel never made is unheard of',
      );
      assert(!hints.some(({ isEnded }) => isEnded), 'the end is unheard of');
    },
  },
  {
    rule: 'LOG-9',
    title: 'transactions and plain appends at once leave no hole',
    needs: 'transactions',
    async run(subject) {
      const { log } = subject.engine;
      const run = transactionOf(subject);
      const offsets = await Promise.all(
        Array.from({ length: 24 }, async (_, index) => {
          if (index % 2 === 0) return (await appendOne(log, 'mixed', index)).offset;
          return run(async (tx) =>
            accepted((await log.append([event('mixed', index)], { tx }))[0]),
          ).then(({ offset }) => offset);
        }),
      );
      const sorted = [...offsets].sort((a, b) => a - b);
      const kept = (await readAll(log, 'mixed')).entries.map(({ offset }) => offset);
      assertEqual(kept.length, 24, 'the number of events');
      assertEqual(sorted, kept, 'the offsets that were answered');
    },
  },
  {
    rule: 'LOG-9',
    title: 'what is no transaction is refused',
    needs: 'transactions',
    async run({ engine: { log } }) {
      for (const tx of [null, 7, {}, { query: 'select 1' }]) {
        await assertRejects(
          () => log.append([event('bad', 1)], { tx }),
          'request/invalid',
          `a transaction that is ${JSON.stringify(tx)}`,
        );
      }
      assertEqual<number>((await readAll(log, 'bad')).head, 0, 'the head');
    },
  },
];

function transactionOf(subject: EngineSubject): NonNullable<EngineSubject['transaction']> {
  if (subject.transaction === undefined) {
    fail('An engine that declares transactions is run with a subject that can begin one.');
  }
  return subject.transaction;
}
