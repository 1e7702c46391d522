// Cases of forgetting a channel. Rules: LOG-14, LOG-14a.

import { encodeCursor } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { assert, assertEqual, assertRejects, eventually } from '../check.ts';
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
} from './engine-case.ts';
import { assertRefused, by, codesOf } from './producer-cases.ts';
import { watchHints } from './watch-cases.ts';

export const forgetCases: readonly EngineCase[] = [
  {
    rule: 'LOG-14',
    title:
      'a forgotten channel is as if nobody had appended to it, in an epoch that its next append keeps',
    async run({ engine: { log } }) {
      const before = await appendOne(log, 'gone', 1);
      await log.append([event('gone', 2), end('gone'), event('stays', 1)]);
      const snapshot = { offset: toOffset(2), version: 1, text: '"secret"' };
      await log.compact('gone', { size: 1, maxAgeMs: 3_600_000, snapshot });
      await log.forget('gone');
      const page = await readAll(log, 'gone');
      assert(page.epoch !== before.epoch, 'the epoch is another one');
      const { epoch } = page;
      const empty = { epoch, first: 1, head: 0, isEnded: false, snapshot: null, entries: [] };
      assertEqual<unknown>(page, empty, 'the page of the forgotten channel');
      assertEqual(dataOf(await readAll(log, 'stays')), [1], 'what another channel holds');
      assertEqual(
        encodeCursor(await appendOne(log, 'gone', 'new')),
        `${epoch}.1`,
        'the next cursor',
      );
      assertEqual(dataOf(await readAll(log, 'gone')), ['new'], 'what it holds then');
    },
  },
  {
    rule: 'LOG-14',
    title: 'its keys, producers and heads are forgotten with it',
    async run({ engine: { log } }) {
      const [first] = await log.append([by(5, 1), by(5, 2), event('run', 'keyed', 'k')]);
      await log.forget('run');
      const outcomes = await log.append([
        { ...by(5, 1), expect: accepted(first) },
        by(5, 3),
        by(1, 1),
        event('run', 'again', 'k'),
      ]);
      const codes = ['publish/conflict', 'publish/sequence-gap', 'ok', 'ok'];
      // The conflict comes last in the order of refusals: the producer begins again, so 1 is right, the head is not.
      assertEqual(codesOf(outcomes), codes, 'what became of each');
      assertRefused(outcomes[1], 'publish/sequence-gap', { expected: 1 });
      assertEqual(dataOf(await readAll(log, 'run')), ['1.1', 'again'], 'what is kept');
    },
  },
  {
    rule: 'LOG-14',
    title: 'no epoch comes twice, and a channel nobody appended to keeps its own',
    async run({ engine: { log } }) {
      const untouched = await readAll(log, 'empty');
      await log.forget('empty');
      assertEqual<unknown>(await readAll(log, 'empty'), untouched, 'the page of an empty channel');
      const epochs = new Set<string>();
      for (const round of range(1, 5)) {
        epochs.add((await appendOne(log, 'again', round)).epoch);
        await log.forget('again');
        await log.forget('again');
        epochs.add((await readAll(log, 'again')).epoch);
      }
      // That of the first append, and one for each forgetting; the second one of a round does nothing.
      assertEqual(epochs.size, 6, 'the number of epochs');
      await log.append([end('over')]);
      await log.forget('over');
      assertEqual<number>((await appendOne(log, 'over', 1)).offset, 1, 'the first after an end');
    },
  },
  {
    rule: 'LOG-14',
    title: 'a watcher hears of it, with the new epoch',
    async run({ engine: { log } }) {
      const { epoch } = await appendOne(log, 'heard', 1);
      const { hints } = watchHints(log, 'heard');
      await log.forget('heard');
      await eventually(
        () => hints.some((hint) => hint.channel === 'heard' && hint.head === 0),
        'the watcher hears of the forgetting',
      );
      const hint = hints.find(({ channel }) => channel === 'heard');
      assert(hint !== undefined && hint.epoch !== epoch, 'the hint has another epoch');
      assertEqual(hint.epoch, (await readAll(log, 'heard')).epoch, 'the epoch of the hint');
    },
  },
  {
    rule: 'LOG-14',
    title: 'while many append, no page mixes what was with what came after',
    async run({ engine: { log } }) {
      const appending = range(1, 8).map(async (appender) => {
        for (const step of range(1, 20)) {
          await appendOne(log, 'busy', { appender, step });
          const page = await readAll(log, 'busy');
          assertEqual(offsetsOf(page), range(1, page.head), 'the offsets of a page');
        }
      });
      for (let round = 0; round < 5; round += 1) {
        await readAll(log, 'busy');
        await log.forget('busy');
      }
      await Promise.all(appending);
      await log.forget('busy');
      assertEqual<number>((await readAll(log, 'busy')).head, 0, 'the head at last');
    },
  },
  {
    rule: 'LOG-14a',
    title: 'asked to forget the channel of one epoch, it leaves that of another alone',
    async run({ engine: { log } }) {
      const { epoch: empty } = await readAll(log, 'of one');
      assert(await log.forget('of one', { epoch: empty }), 'nothing is there to be forgotten');
      assert(!(await log.forget('of one', { epoch: 'another' })), 'that is none of its epochs');
      const before = await appendOne(log, 'of one', 1);
      for (const epoch of ['another', `${before.epoch}-x`]) {
        assert(!(await log.forget('of one', { epoch })), 'it has another epoch');
      }
      assertEqual(dataOf(await readAll(log, 'of one')), [1], 'what is kept');
      // Many at once, as of relays that do not know of each other: one forgets, and what comes next is not theirs.
      const forgotten = await Promise.all(
        range(1, 8).map(() => log.forget('of one', { epoch: before.epoch })),
      );
      assertEqual(forgotten.filter(Boolean).length, 1, 'how often it was forgotten');
      const after = await appendOne(log, 'of one', 'new');
      assert(after.epoch !== before.epoch, 'the epoch is another one');
      assert(!(await log.forget('of one', { epoch: before.epoch })), 'that epoch is over');
      assertEqual(dataOf(await readAll(log, 'of one')), ['new'], 'what came after it');
      assert(await log.forget('of one', { epoch: after.epoch }), 'it is that epoch');
      assertEqual<number>((await readAll(log, 'of one')).head, 0, 'the head at last');
    },
  },
  {
    rule: 'LOG-10',
    title: 'forgetting on a closed engine is refused',
    async run({ engine }) {
      await engine.close();
      await assertRejects(() => engine.log.forget('any'), 'engine/closed', 'forget');
    },
  },
];
