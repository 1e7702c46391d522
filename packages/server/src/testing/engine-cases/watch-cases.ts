// Cases of watching. A hint may come late, twice or without entries: the cases ask for no more. Rule: LOG-7.

import type { AppendHint, Log } from '../../seams/log.ts';
import { assert, assertEqual, eventually } from '../check.ts';
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

export const watchCases: readonly EngineCase[] = [
  {
    rule: 'LOG-7',
    title: 'every watcher hears of each channel that took something, up to its head',
    async run({ engine: { log } }) {
      const first = watchHints(log, 'left', 'right');
      const second = watchHints(log, 'left', 'right');
      await log.append([event('left', 1), event('right', 1), event('left', 2)]);
      await log.append([event('left', 3)]);
      for (const { hints } of [first, second]) {
        await eventually(() => headIn(hints, 'left') === 3, 'a watcher hears of left up to 3');
        await eventually(() => headIn(hints, 'right') === 1, 'a watcher hears of right up to 1');
      }
      const page = await readAll(log, 'left');
      const heard = first.hints.find(({ channel }) => channel === 'left');
      assertEqual(heard?.epoch, page.epoch, 'the epoch of a hint');
    },
  },
  {
    rule: 'LOG-7',
    title: 'entries that come with a hint are the ones that a read gives',
    async run({ engine: { log } }) {
      const { hints } = watchHints(log, 'echo');
      for (const step of range(1, 5)) await log.append([event('echo', step), event('echo', -step)]);
      await eventually(() => headIn(hints, 'echo') === 10, 'the watcher hears of the head');
      const texts = new Map(
        (await readAll(log, 'echo')).entries.map((one) => [one.offset, one.text]),
      );
      for (const hint of hints) {
        dataOf(hint);
        for (const { offset, text } of hint.entries) {
          assertEqual(text, texts.get(offset), `the text of entry ${offset} in a hint`);
          assert(offset <= hint.head, 'an entry of a hint is within its head');
        }
      }
    },
  },
  {
    rule: 'LOG-7',
    title: 'an engine of this process hints with every entry before it answers',
    needs: 'isLocal',
    async run({ engine: { log } }) {
      const { hints } = watchHints(log, 'near');
      const [outcome] = await log.append([event('near', 1), event('near', 2)]);
      // Not a turn later: a hub does not tell itself what it appended to such an engine.
      assertEqual(hints.length, 1, 'hints that came before the answer');
      assertEqual(accepted(outcome).epoch, hints[0]?.epoch, 'the epoch of the hint');
      assertEqual(hints[0]?.entries.length, 2, 'entries of the hint');
    },
  },
  {
    rule: 'LOG-7',
    title: 'a watcher hears of the end',
    async run({ engine: { log } }) {
      const { hints } = watchHints(log, 'ending');
      await log.append([event('ending', 1)]);
      await log.append([end('ending')]);
      await eventually(
        () =>
          hints.some(({ channel, isEnded, head }) => channel === 'ending' && isEnded && head === 1),
        'the watcher hears of the end',
      );
    },
  },
  {
    rule: 'LOG-7',
    title: 'after unsubscribing a watcher hears nothing, and unsubscribing may be repeated',
    async run({ engine: { log } }) {
      const staying = watchHints(log, 'news');
      const leaving = watchHints(log, 'news');
      await appendOne(log, 'news', 1);
      await eventually(() => headIn(leaving.hints, 'news') === 1, 'it hears while it watches');
      leaving.stop();
      leaving.stop();
      const heard = leaving.hints.length;
      await appendOne(log, 'news', 2);
      await eventually(() => headIn(staying.hints, 'news') === 2, 'the other one still hears');
      assertEqual(leaving.hints.length, heard, 'the number of hints after unsubscribing');
      staying.stop();
    },
  },
  {
    rule: 'LOG-7',
    title: 'a watcher hears of its own channel, and of no other',
    async run({ engine: { log } }) {
      const own = watchHints(log, 'own');
      const other = watchHints(log, 'other');
      await log.append([event('other', 1), event('own', 1), event('other', 2)]);
      await eventually(() => headIn(own.hints, 'own') === 1, 'it hears of its own');
      await eventually(() => headIn(other.hints, 'other') === 2, 'the other one hears of its own');
      assertEqual(headIn(own.hints, 'own'), 1, 'the head that it heard of');
    },
  },
  {
    rule: 'LOG-7',
    title: 'nothing that was refused or repeated is given as new',
    async run({ engine: { log } }) {
      await log.append([event('done', 1, 'k'), end('done')]);
      const { hints } = watchHints(log, 'done', 'marker');
      await log.append([event('done', 2), event('done', 1, 'k'), end('done')]);
      await appendOne(log, 'marker', 1);
      await eventually(() => headIn(hints, 'marker') === 1, 'the watcher hears of the marker');
      assertEqual(headIn(hints, 'done') ?? 1, 1, 'the head that was heard of, if any');
      assertEqual((await readAll(log, 'done')).entries.length, 1, 'the number of events');
    },
  },
];

/** The highest head that was heard of a channel. */
function headIn(hints: readonly HeardHint[], channel: string): number | undefined {
  const heads = hints.filter((hint) => hint.channel === channel).map(({ head }) => head);
  return heads.length === 0 ? undefined : Math.max(...heads);
}

export interface HeardHint extends AppendHint {
  readonly channel: string;
}

/** What is heard of these channels, in the order in which it comes. */
export function watchHints(
  log: Log,
  ...channels: readonly string[]
): { readonly hints: readonly HeardHint[]; readonly stop: () => void } {
  const hints: HeardHint[] = [];
  const ends = channels.map((channel) =>
    log.watch(channel, {
      hinted: (hint) => void hints.push({ channel, ...hint }),
      refresh: () => undefined,
    }),
  );
  return {
    hints,
    stop() {
      for (const end of ends) end();
    },
  };
}
