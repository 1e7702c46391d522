// Messages between nodes and hashes of sets: what is told comes back as it was, and rubbish is nothing.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BusMessage, decodeBusMessage, encodeBusMessage, splitBySize } from './bus-message.ts';
import { EMPTY_HASH, type Entry, encodeEntry, memberId, SetHash } from './entry.ts';

const NODE = 'node-a';
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const whole = fc.nat();
const entry: fc.Arbitrary<Entry> = fc.record({
  node: fc.constant(NODE),
  key: text,
  user: text,
  link: whole,
  at: whole,
  since: whole,
  stamp: whole,
  data: fc.json(),
});
const node = fc.constant(NODE);
const mark = fc.record({ channel: text, seq: whole, hash: text });

const message: fc.Arbitrary<BusMessage> = fc.oneof(
  fc.record({ type: fc.constant('gone' as const), node, keepMs: whole }),
  fc.record({
    type: fc.constant('beat' as const),
    node,
    count: whole,
    whole: fc.oneof(fc.constant(null), fc.record({ first: whole, seq: whole })),
    rooms: fc.array(mark, { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('ask' as const),
    node,
    to: fc.oneof(fc.constant(null), text),
    channels: fc.array(text, { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('diff' as const),
    node,
    before: whole,
    seq: whole,
    hash: text,
    entries: fc.array(entry, { maxLength: 3 }),
    left: fc.array(text, { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant('state' as const),
    node,
    seq: whole,
    hash: text,
    page: whole,
    pages: whole,
    entries: fc.array(entry, { maxLength: 3 }),
  }),
  fc.record({ type: fc.constant('leave' as const), node, key: text, user: text, link: whole }),
);

describe('messages between nodes', () => {
  test('PRES-9: what one node tells another one reads as it was', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(decodeBusMessage(encodeBusMessage(sent))).toEqual(sent);
      }),
    );
  });

  test('PRES-10: another version, and what is no message at all, is skipped', () => {
    const beat: BusMessage = { type: 'beat', node: NODE, count: 1, whole: null, rooms: [] };
    const known = encodeBusMessage(beat);
    expect(decodeBusMessage(known.replace('"v":1', '"v":2'))).toBeNull();
    expect(decodeBusMessage(known.replace('"beat"', '"dance"'))).toBeNull();
    expect(decodeBusMessage(known.replace('"count":1', '"count":1,"new":[1]'))).toEqual(beat);
    fc.assert(
      fc.property(
        fc.oneof(fc.json(), fc.string(), message.map(encodeBusMessage)),
        fc.nat(),
        (value, at) => {
          const broken =
            value.slice(0, at % (value.length + 1)) + value.slice((at % (value.length + 1)) + 1);
          expect(() => decodeBusMessage(broken)).not.toThrow();
        },
      ),
    );
    // Half a list would be taken for the whole.
    expect(decodeBusMessage(known.replace('"rooms":[]', '"rooms":[7]'))).toBeNull();
  });

  test('PRES-9: lists are split by their size, an item alone may be larger', () => {
    const sizes = splitBySize([3, 3, 3, 9, 1, 1], (item) => item, 6);
    expect(sizes).toEqual([[3, 3], [3], [9], [1, 1]]);
    expect(splitBySize([], () => 1)).toEqual([]);
  });
});

describe('hashes of sets', () => {
  test('PRES-9: the same set has the same hash in any order, and another one another', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(entry, { selector: encodeEntry, minLength: 1 }),
        fc.nat(),
        (set, at) => {
          const texts = set.map(encodeEntry);
          const [one, other] = [new SetHash(), new SetHash()];
          for (const each of texts) one.add(each);
          for (const each of texts.toReversed()) other.add(each);
          expect(one.toString()).toBe(other.toString());
          other.remove(texts[at % texts.length] ?? '');
          expect(one.toString()).not.toBe(other.toString());
          for (const each of texts) one.remove(each);
          expect(one.toString()).toBe(EMPTY_HASH);
        },
      ),
    );
  });
});

test('PRES-3: no identity can pass for a guest', () => {
  expect(memberId(null, 'k')).toBe('guest:k');
  expect(memberId('ada', 'k')).toBe('ada');
  expect(memberId('guest:k', 'x')).toBe('user:guest:k');
  expect(memberId('user:guest:k', 'x')).toBe('user:user:guest:k');
});
