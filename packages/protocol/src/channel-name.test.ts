// Names of channels: what is one, what is refused, and that parameters survive the way.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeChannelName, isChannelName, parseChannelParams } from './channel-name.ts';
import { shape, text } from './channels/shape.ts';
import { defineChannel } from './contract.ts';

const room = defineChannel({
  type: 'room',
  params: ['house', 'id'],
  events: { said: shape({ text: text(10) }) },
});

test('CHAN-1: a name is the type, then each value after a colon, percent-encoded', () => {
  expect(room.of({ house: 'a/b', id: 'c:d é' }).name).toBe('room:a%2Fb:c%3Ad%20%C3%A9');
});

test('CHAN-1: parameters survive the way there and back, and never make another name', () => {
  // Any seven characters: at most 84 once encoded, so that two of them fit into a name.
  const value = fc.string({ minLength: 1, maxLength: 7, unit: 'binary' });
  fc.assert(
    fc.property(value, value, (house, id) => {
      const name = encodeChannelName('room', ['house', 'id'], { house, id });
      expect(parseChannelParams(name)).toEqual([house, id]);
      expect(isChannelName(name)).toBe(true);
      expect(room.matches(name)).toBe(true);
    }),
  );
});

test.each([
  ['empty', { house: '', id: '1' }],
  ['missing', { house: 'a' }],
  ['no text', { house: 'a', id: 7 }],
  ['half a character', { house: 'a', id: '\ud83d' }],
  ['too long', { house: 'a', id: 'x'.repeat(200) }],
])('CHAN-1: a parameter that is %s is refused', (_name, values) => {
  expect(() => encodeChannelName('room', ['house', 'id'], values as never)).toThrowError(
    expect.objectContaining({ code: 'channel/invalid-name' }),
  );
});

test.each([
  ['room', true],
  ['room_2:a', true],
  ['room:a:b%20c', true],
  ['', false],
  ['Room', false],
  ['2room', false],
  ['room:', false],
  ['room::a', false],
  ['room:a b', false],
  ['room:a\nb', false],
  ['room:é', false],
  ['room:a\u0000', false],
  [`room:${'x'.repeat(195)}`, true],
  [`room:${'x'.repeat(196)}`, false],
  [7, false],
  [null, false],
])('CHAN-2: %j is a name: %s', (name, isName) => {
  expect(isChannelName(name)).toBe(isName);
});

test('CHAN-2: a name belongs to the contract with its type and as many parameters', () => {
  expect(
    ['room:a:b', 'room:a', 'room', 'rooms:a:b', 'room:a:b:c'].map((name) => room.matches(name)),
  ).toEqual([true, false, false, false, false]);
});
