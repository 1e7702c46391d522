// Looking where channels stand: what is told of it, how often it is asked. Rules: LOG-7, LOG-16.

import { expect, test } from 'vitest';
import { waitUntil } from '../../testing/waiting.ts';
import { createHeadCheck, type HeadCheck } from './head-check.ts';

interface Watched {
  readonly heads: Map<string, { epoch: string; head: number }>;
  isDown: boolean;
  readonly asked: number[];
  readonly found: string[];
  readonly emptied: string[];
  readonly check: HeadCheck;
}

function watch(everyMs: number, ...names: readonly string[]): Watched {
  const heads = new Map(names.map((name) => [name, { epoch: 'E', head: 0 }]));
  const watched = {
    heads,
    isDown: false,
    asked: [] as number[],
    found: [] as string[],
    emptied: [] as string[],
  };
  const check = createHeadCheck({
    everyMs,
    channels: () => heads.keys(),
    async look(channels) {
      watched.asked.push(channels.length);
      if (watched.isDown) throw new Error('down');
      return channels.map((name) => {
        const { epoch, head } = heads.get(name) ?? { epoch: '', head: 0 };
        return { name, in_epoch: epoch, head, is_ended: false };
      });
    },
    found: (channel, { head }) => void watched.found.push(`${channel} ${head}`),
    emptied: (channel) => void watched.emptied.push(channel),
  });
  return Object.assign(watched, { check });
}

test('LOG-7: heads are told each time, an empty channel only when it is another one than before', async () => {
  const watched = watch(10, 'full', 'empty');
  watched.heads.set('full', { epoch: 'E', head: 7 });
  await waitUntil('three rounds', () => watched.found.length >= 3);
  expect(new Set(watched.found)).toEqual(new Set(['full 7']));
  expect(watched.emptied).toEqual(['empty']);
  // Both made anew.
  watched.heads.set('full', { epoch: 'F', head: 0 });
  watched.heads.set('empty', { epoch: 'F', head: 0 });
  await waitUntil('both', () => watched.emptied.length >= 3);
  const rounds = watched.asked.length;
  await waitUntil('two more rounds', () => watched.asked.length > rounds + 2);
  expect(watched.emptied).toEqual(['empty', 'full', 'empty']);
  await watched.check.close();
});

test('LOG-7: asked to look, it looks soon, once for all who asked, also when nobody was there before', async () => {
  const watched = watch(60_000);
  for (let n = 0; n < 50; n += 1) watched.check.soon();
  watched.heads.set('late', { epoch: 'E', head: 1 });
  await waitUntil('a round', () => watched.found.length === 1);
  for (let n = 0; n < 50; n += 1) watched.check.soon();
  await waitUntil('another one', () => watched.found.length === 2);
  expect(watched.asked).toEqual([1, 1]);
  await watched.check.close();
});

test('LOG-16: many channels are looked up in several bounded statements, and failures are spaced', async () => {
  const watched = watch(500, ...Array.from({ length: 4_500 }, (_, n) => `c${n}`));
  watched.check.soon();
  await waitUntil('a round', () => watched.emptied.length === 4_500);
  expect(watched.asked).toEqual([2_000, 2_000, 500]);
  watched.isDown = true;
  watched.check.soon();
  await waitUntil('a failure', () => watched.asked.length === 4);
  const failedAt = performance.now();
  for (let n = 0; n < 50; n += 1) watched.check.soon();
  await waitUntil('the next try', () => watched.asked.length > 4);
  expect(performance.now() - failedAt).toBeGreaterThan(90);
  await watched.check.close();
});
