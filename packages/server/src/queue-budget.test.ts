// The budget for all queues together: who goes, how many, and that whoever went reads on where it was.

import type { MillraceError } from '@millrace/protocol';
import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import { type QueuedLink, watchQueueBudget } from './queue-budget.ts';
import { on, runCore, textsOf, verdictsOf } from './testing/run-core.ts';
import { openNotes } from './testing/test-channels.ts';
import { waitUntil } from './testing/waiting.ts';

interface FakeLink extends QueuedLink {
  bytes: number;
  closedWith: MillraceError | null;
}

function fakeLink(bytes: number): FakeLink {
  const one: FakeLink = {
    bytes,
    closedWith: null,
    link: { bufferedBytes: () => one.bytes },
    close(reason) {
      one.closedWith = reason;
    },
  };
  return one;
}

function watch(links: readonly FakeLink[], maxBytes: number): { sweep(): void; closed(): number } {
  let due: () => void = () => undefined;
  let closed = 0;
  const timers = {
    after(_ms: number, run: () => void) {
      due = run;
      return () => undefined;
    },
  };
  watchQueueBudget({
    maxBytes,
    links,
    timers,
    onClosed: () => {
      closed += 1;
    },
  });
  return { sweep: () => due(), closed: () => closed };
}

test('LIM-8: within the budget nobody is closed; past it the longest queues go, no more than needed', () => {
  const links = [10, 50, 0, 40, 30].map(fakeLink);
  const within = watch(links, 130);
  within.sweep();
  expect(within.closed()).toBe(0);
  const over = watch(links, 60);
  over.sweep();
  expect(links.map(({ closedWith }) => closedWith?.code ?? null)).toEqual([
    null,
    'link/slow',
    null,
    'link/slow',
    null,
  ]);
  expect(links[1]?.closedWith?.retryable).toBe(true);
  expect(over.closed()).toBe(2);
});

test('LIM-8: bytes of a link that is closing cost nobody else its link', () => {
  const links = [90, 40, 30].map(fakeLink);
  const budget = watch(links, 100);
  budget.sweep();
  // Its transport has not reported the end yet: it still stands among the open ones, with all its bytes.
  budget.sweep();
  expect(budget.closed()).toBe(1);
  const [, second] = links;
  if (second !== undefined) second.bytes = 80;
  budget.sweep();
  expect(second?.closedWith?.code).toBe('link/slow');
  expect(budget.closed()).toBe(2);
});

test('LIM-8: readers that stall together are closed, the others go on, and whoever comes back loses nothing', async () => {
  const maxQueueBytesTotal = 60_000;
  await using hub = runCore({ limits: { maxQueueBytes: 40_000, maxQueueBytesTotal } });
  const channel = openNotes.of({ id: 'budget' });
  const quick = hub.open(on(channel));
  const slow = Array.from({ length: 4 }, () => hub.open(on(channel)));
  for (const link of [quick, ...slow]) await link.next('verdict');
  for (const link of slow) link.stall();
  const text = 'x'.repeat(1_000);
  for (let index = 0; index < 60; index += 1) await hub.publish(channel, `${index} ${text}`);
  await waitUntil('those over the budget to be closed', () => {
    const left = slow.filter((link) => link.closedWith === undefined);
    return left.reduce((sum, link) => sum + link.waitingBytes, 0) <= maxQueueBytesTotal;
  });
  const gone = slow.filter((link) => link.closedWith !== undefined);
  expect(gone.length).toBeGreaterThan(0);
  expect(gone.length).toBeLessThan(4);
  expect(new Set(gone.map((link) => link.closedWith?.code))).toEqual(new Set(['link/slow']));
  expect(hub.core.stats().pressure).toMatchObject({
    closedByBudget: gone.length,
    closedSlow: gone.length,
  });
  const [first] = gone;
  const told = first === undefined ? [] : textsOf(first);
  const [verdict] = first?.frames.filter((frame) => frame.type === 'verdict') ?? [];
  if (verdict === undefined || !('cursor' in verdict)) throw new RangeError('It had no place');
  const offset = toOffset(verdict.cursor.offset + told.length);
  const again = hub.open(on(channel, { epoch: verdict.cursor.epoch, offset }));
  await waitUntil('the rest', () => textsOf(again).length === 60 - told.length);
  expect(verdictsOf(again)).toEqual(['exact']);
  expect([...told, ...textsOf(again)]).toEqual(textsOf(quick));
});
