// Which entries go out: the next one, never an old one, never past a jump.

import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import type { LogEntry } from './seams/log.ts';
import { follow, type TopicNews } from './topic-position.ts';

const entry = (offset: number): LogEntry => ({
  offset: toOffset(offset),
  text: `{"offset":${offset}}`,
});
const position = { epoch: 'e', head: toOffset(5), isEnded: false };
const news = (offsets: number[], over: Partial<TopicNews> = {}): TopicNews => ({
  epoch: 'e',
  head: toOffset(offsets.at(-1) ?? 5),
  isEnded: false,
  entries: offsets.map(entry),
  ...over,
});

test.each([
  ['the next goes out', news([6, 7]), [6, 7], 7, false],
  ['an old one is dropped', news([4, 5, 6]), [6], 6, false],
  ['a late hint brings nothing', news([3, 4]), [], 5, false],
  ['after a jump nothing goes out, and the log is read', news([7, 8]), [], 5, true],
  ['up to a jump inside it goes out', news([6, 8]), [6], 6, true],
  ['a hint without entries makes it read', news([], { head: toOffset(9) }), [], 5, true],
])('EVT-1: %s', (_name, hint, offsets, head, isBehind) => {
  const following = follow(position, hint);
  if (following === 'other-epoch') throw new Error('same epoch');
  expect(following.fresh.map((one) => one.offset)).toEqual(offsets);
  expect(following.head).toBe(head);
  expect(following.isBehind).toBe(isBehind);
});

test('CUR-4: another epoch is nothing to go by', () => {
  expect(follow(position, news([6], { epoch: 'x' }))).toBe('other-epoch');
});

test('SUB-9: the end counts once everything before it is here', () => {
  const early = follow(position, news([], { head: toOffset(7), isEnded: true }));
  expect(early).toMatchObject({ isBehind: true, isEnded: false });
  const there = follow(position, news([6, 7], { isEnded: true }));
  expect(there).toMatchObject({ isBehind: false, isEnded: true });
});
