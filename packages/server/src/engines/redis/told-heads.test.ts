// Hints of several nodes on one channel: each waits a moment for those before it.

import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import type { AppendHint } from '../../seams/log.ts';
import { createToldHeads } from './told-heads.ts';

const hint = (head: number, count = 1, epoch = 'e'): AppendHint => ({
  epoch,
  head: toOffset(head),
  isEnded: false,
  entries: Array.from({ length: count }, (_, index) => ({
    offset: toOffset(head - count + index + 1),
    text: '{}',
  })),
});
const hints = (one: AppendHint): ReadonlyMap<string, AppendHint> => new Map([['a', one]]);

test('LOG-7: an answer that comes before what another node appended waits for that', async () => {
  const heads = createToldHeads(() => true);
  heads.told('a', hint(4));
  expect(heads.isAwaited).toBe(false);
  let isDone = false;
  const waiting = heads.caughtUp(hints(hint(7, 2))).then(() => void (isDone = true));
  expect(heads.isAwaited).toBe(true);
  await Promise.resolve();
  expect(isDone).toBe(false);
  heads.told('a', hint(5));
  await waiting;
  expect(heads.isAwaited).toBe(false);
});

test('LOG-7: it waits a few ms, and not at all where there is no hole, or nothing would come', async () => {
  const heads = createToldHeads(() => true);
  await heads.caughtUp(hints(hint(7)));
  heads.told('a', hint(4));
  heads.told('a', hint(3));
  for (const next of [hint(5), hint(6, 2), hint(9, 1, 'other')]) {
    const waiting = heads.caughtUp(hints(next));
    expect(heads.isAwaited).toBe(false);
    await waiting;
  }
  const startedAt = performance.now();
  await heads.caughtUp(hints(hint(9)));
  expect(performance.now() - startedAt).toBeLessThan(1_000);
  heads.forget('a');
  await heads.caughtUp(hints(hint(20)));
  const deaf = createToldHeads(() => false);
  deaf.told('a', hint(1));
  const waiting = deaf.caughtUp(hints(hint(9)));
  expect(deaf.isAwaited).toBe(false);
  await waiting;
});
