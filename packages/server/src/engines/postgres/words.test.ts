// What nodes write in notifications: within PostgreSQL's limit, read back as it was written. Rules: LOG-7, BUS-2.

import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { type BusMessage, createMessageJoiner, encodeMessages } from './bus-words.ts';
import { encodeHints, type Moved, parseHints } from './hint-words.ts';

const moved = (head: number): Moved => ({
  epoch: 'AAAAAAAAAAAAAAAA-0123456789ab',
  head: toOffset(head),
  isEnded: head % 2 === 0,
});
const manyMoved = (count: number): Map<string, Moved> =>
  new Map(Array.from({ length: count }, (_, n) => [`stream:${'ä'.repeat(n % 50)}${n}`, moved(n)]));

test('LOG-7: hints are split over few notifications, each within the limit, and read back', () => {
  for (const count of [1, 7, 100, 250]) {
    const all = manyMoved(count);
    const payloads = encodeHints('me', all);
    const read = new Map<string, Moved>();
    for (const payload of payloads) {
      expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
      const hints = parseHints(payload);
      expect(hints?.origin).toBe('me');
      for (const [channel, one] of hints?.moved ?? []) read.set(channel, one);
    }
    expect(payloads.length).toBeLessThanOrEqual(4);
    expect(read).toEqual(all);
  }
});

test('LOG-7: where too many moved, or a name is too long, one word says so', () => {
  for (const all of [manyMoved(5_000), new Map([['n'.repeat(9_000), moved(1)]])]) {
    const payloads = encodeHints('me', all);
    expect(payloads).toHaveLength(1);
    expect(parseHints(payloads[0] ?? '')).toEqual({ origin: 'me', moved: null });
  }
});

test('LOG-7: a notification that is none of ours is skipped', () => {
  for (const payload of ['', 'x', '7', '{}', '[]', '[7]', '[null,[]]']) {
    expect(parseHints(payload)).toBeNull();
  }
  const odd = '["me",[7,["a"],["a","e",-1],["a","e",1.5],["b","e",2,true]]]';
  expect(parseHints(odd)?.moved).toEqual(new Map([['b', { epoch: 'e', head: 2, isEnded: true }]]));
});

const texts = [
  '',
  'plain',
  'quote " and \\',
  'é😀\u2028\u0000',
  '\ud800 alone',
  '😀'.repeat(9_000),
];
const messages: readonly BusMessage[] = texts.map((text, n) => ({ topic: `topic ${n} é`, text }));

test('BUS-2: messages of any text and size are cut into payloads within the limit and joined again', () => {
  const payloads = encodeMessages('me', 1, messages);
  expect(payloads.length).toBeGreaterThan(4);
  for (const payload of payloads) expect(Buffer.byteLength(payload)).toBeLessThan(8_000);
  const joiner = createMessageJoiner('other');
  expect(payloads.flatMap((payload) => joiner.take(payload))).toEqual(messages);
  expect(payloads.flatMap((payload) => createMessageJoiner('me').take(payload))).toEqual([]);
});

test('BUS-2: what misses a piece is dropped as a whole, and the next is heard', () => {
  const joiner = createMessageJoiner('other');
  const cut = encodeMessages('me', 1, messages);
  const heard = cut.filter((_, n) => n !== 2).flatMap((payload) => joiner.take(payload));
  expect(heard).toEqual([]);
  expect(joiner.take(encodeMessages('me', 2, [{ topic: 't', text: 'x' }])[0] ?? '')).toEqual([
    { topic: 't', text: 'x' },
  ]);
  cut.slice(0, 2).flatMap((payload) => joiner.take(payload));
  joiner.clear();
  expect(cut.slice(2).flatMap((payload) => joiner.take(payload))).toEqual([]);
  expect(joiner.take('somebody else')).toEqual([]);
  expect(joiner.take('a 1 1 1 no json')).toEqual([]);
});
