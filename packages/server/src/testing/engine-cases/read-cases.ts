// Cases of reading: pages, sizes, texts, channels that nobody appended to. Rules: LOG-3, LOG-4.

import { Buffer } from 'node:buffer';
import { encodeCursor, type Offset } from '@millrace/protocol';
import { ZERO_OFFSET } from '@millrace/protocol/wire';
import type { Log, PageSize } from '../../seams/log.ts';
import { assert, assertEqual } from '../check.ts';
import {
  appendOne,
  dataOf,
  type EngineCase,
  event,
  offset,
  offsetsOf,
  range,
  readAll,
  WHOLE,
} from './engine-case.ts';

/** Texts that break encoders: quotes, line breaks, U+2028, astral characters, NUL and half a character. */
const AWKWARD = [
  'plain',
  '"quoted" \\ and \\u0041',
  'line\nbreak\r\ntab\t',
  '\u2028 and \u2029',
  'naïve Straße 日本語 עברית',
  '👩‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿',
  '\u0000 \u0007 \u007f \ufeff \uffff',
  'half \ud83d of \udc4d a character',
  '\'; drop table x; -- $1 {a,"b"} NULL',
  '',
];

export const readCases: readonly EngineCase[] = [
  {
    rule: 'LOG-3',
    title: 'a page holds what comes after the asked offset, and is empty at the head',
    async run({ engine: { log } }) {
      await log.append(range(1, 10).map((step) => event('ten', step)));
      assertEqual(offsetsOf(await readAll(log, 'ten')), range(1, 10), 'everything');
      assertEqual(offsetsOf(await readAll(log, 'ten', offset(7))), [8, 9, 10], 'what is after 7');
      const atHead = await readAll(log, 'ten', offset(10));
      assertEqual(offsetsOf(atHead), [], 'what is after the head');
      assertEqual<number>(atHead.head, 10, 'the head');
      assertEqual<number>(atHead.first, 1, 'the first kept offset');
      assertEqual(offsetsOf(await readAll(log, 'ten', offset(99))), [], 'what is past the head');
    },
  },
  {
    rule: 'LOG-3',
    title: 'pages of any number of events join to the whole',
    async run({ engine: { log } }) {
      await log.append(range(1, 25).map((step) => event('paged', step)));
      for (const maxEvents of [1, 7, 25, 26]) {
        const seen = await readInPages(log, 'paged', { ...WHOLE, maxEvents }, maxEvents);
        assertEqual(seen, range(1, 25), `the offsets in pages of ${maxEvents}`);
      }
      const none = await log.read('paged', ZERO_OFFSET, { ...WHOLE, maxEvents: 0 });
      assertEqual(offsetsOf(none), [], 'a page of no events');
      assertEqual<number>(none.head, 25, 'the head of a page of no events');
    },
  },
  {
    rule: 'LOG-3',
    title: 'a page stays within its bytes, counted in UTF-8, and holds one entry at least',
    async run({ engine: { log } }) {
      await log.append(range(1, 20).map((step) => event('heavy', '€'.repeat(step * 10))));
      await appendOne(log, 'heavy', 'x'.repeat(40_000));
      await appendOne(log, 'heavy', 'after');
      for (const maxBytes of [1, 400, 1_000, 5_000]) {
        const seen: number[] = [];
        for (let after = ZERO_OFFSET; ; ) {
          const page = await log.read('heavy', after, { maxEvents: 100, maxBytes });
          const bytes = page.entries.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
          assert(bytes <= maxBytes || page.entries.length === 1, `a page has ${maxBytes} bytes`);
          seen.push(...offsetsOf(page));
          const last = page.entries.at(-1);
          if (last === undefined) break;
          after = last.offset;
        }
        assertEqual(seen, range(1, 22), `the offsets in pages of ${maxBytes} bytes`);
      }
    },
  },
  {
    rule: 'LOG-3',
    title: 'texts of every kind come back as they were',
    async run({ engine: { log } }) {
      await log.append(AWKWARD.map((text) => event('awkward', { text, [text]: 1 })));
      const expected = AWKWARD.map((text) => ({ text, [text]: 1 }));
      assertEqual(dataOf(await readAll(log, 'awkward')), expected, 'the texts');
    },
  },
  {
    rule: 'LOG-3',
    title: 'an event of the largest size comes back whole',
    async run({ engine: { log } }) {
      const data = Array.from({ length: 4_000 }, (_, index) => `"${index}" é`);
      await appendOne(log, 'large', data);
      assertEqual(dataOf(await readAll(log, 'large')), [data], 'the large event');
    },
  },
  {
    rule: 'LOG-4',
    title: 'a channel nobody appended to is empty and already in the epoch of its first event',
    async run({ engine: { log } }) {
      const before = await readAll(log, 'quiet:1');
      assertEqual<number>(before.head, 0, 'the head');
      assertEqual<number>(before.first, 1, 'the first kept offset, one after the head');
      assert(!before.isEnded && before.snapshot === null, 'it has neither end nor snapshot');
      assertEqual(offsetsOf(before), [], 'its entries');
      assertEqual(offsetsOf(await readAll(log, 'quiet:1', offset(5))), [], 'what is after 5');
      const cursor = await appendOne(log, 'quiet:1', 'first');
      assertEqual(encodeCursor(cursor), `${before.epoch}.1`, 'the first cursor');
      assertEqual((await readAll(log, 'quiet:1')).epoch, before.epoch, 'the epoch afterwards');
      assert(/^[A-Za-z0-9_-]{1,32}$/.test(before.epoch), 'the epoch can stand in a cursor');
    },
  },
];

async function readInPages(
  log: Log,
  channel: string,
  size: PageSize,
  expectedLength: number,
): Promise<number[]> {
  const seen: number[] = [];
  let after: Offset = ZERO_OFFSET;
  for (;;) {
    const page = await log.read(channel, after, size);
    const left = page.head - after;
    const expected = Math.min(expectedLength, left);
    assertEqual(page.entries.length, expected, `the length of a page after ${after}`);
    seen.push(...offsetsOf(page));
    const last = page.entries.at(-1);
    if (last === undefined) return seen;
    after = last.offset;
  }
}
