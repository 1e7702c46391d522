// The epochs of channels without a record: none comes twice, and what is remembered is bounded. Rule: LOG-14.

import { expect, test } from 'vitest';
import { createEpochs } from './epochs.ts';

test('LOG-14: each forgetting gives the channel an epoch of its own, and others keep theirs', () => {
  const epochs = createEpochs('token', 10);
  const renewed = ['a', 'b', 'a', 'a'].map((name) => epochs.renew(name));
  expect(new Set(['token', ...renewed]).size).toBe(5);
  expect([epochs.of('a'), epochs.of('b'), epochs.of('c')]).toEqual([
    renewed[3],
    renewed[1],
    'token',
  ]);
});

test('LOG-14: past the bound every channel without a record gets another one, which none had', () => {
  const epochs = createEpochs('token', 3);
  const seen = new Set([epochs.of('other')]);
  for (let index = 0; index < 50; index += 1) {
    const epoch = epochs.renew(`forgotten:${index}`);
    expect(seen).not.toContain(epoch);
    expect(epochs.of(`forgotten:${index}`)).toBe(epoch);
    seen.add(epoch);
  }
  expect(epochs.of('forgotten:0')).toBe(epochs.of('other'));
  expect(epochs.of('other')).not.toBe('token');
});

test('LOG-14: a channel with a record takes no place', () => {
  const epochs = createEpochs('token', 2);
  for (let index = 0; index < 50; index += 1) {
    epochs.renew('used');
    epochs.taken('used');
  }
  expect(epochs.of('other')).toBe('token');
});
