// Gathering appends: what is under way is one call, what is told to have failed is never sent.

import { toOffset } from '@millrace/protocol/wire';
import { expect, test } from 'vitest';
import type { AppendOutcome, AppendRequest } from '../../seams/log.ts';
import { event } from '../../testing/engine-cases/engine-case.ts';
import { createAppendGather, type GatherOptions } from './append-gather.ts';

/** Other tests may be at work on the machine. */
const SOON = { timeout: 8_000 };

type Batch = readonly AppendRequest[];

/** A call is answered when the test says so. */
function gatherByHand(options: Partial<GatherOptions> = {}): {
  readonly append: (batch: Batch) => Promise<readonly AppendOutcome[]>;
  readonly calls: readonly Batch[];
  readonly answerNext: () => Promise<void>;
  readonly failNext: (reason: Error) => void;
} {
  const calls: Batch[] = [];
  const pending: PromiseWithResolvers<readonly AppendOutcome[]>[] = [];
  const append = createAppendGather({
    append(batch) {
      calls.push(batch);
      const call = Promise.withResolvers<readonly AppendOutcome[]>();
      pending.push(call);
      return call.promise;
    },
    maxRequests: 5,
    maxBytes: 10_000,
    answerWithinMs: 5_000,
    ...options,
  });
  return {
    append,
    calls,
    async answerNext() {
      await expect.poll(() => pending.length, { interval: 1 }).toBe(1);
      const outcomes = calls[calls.length - pending.length]?.map((_, index) => outcome(index));
      pending.shift()?.resolve(outcomes ?? []);
    },
    failNext: (reason) => pending.shift()?.reject(reason),
  };
}

const outcome = (offset: number): AppendOutcome => ({
  cursor: { epoch: 'e', offset: toOffset(offset) },
  at: 'now',
  isDuplicate: false,
});
const offsets = (outcomes: readonly AppendOutcome[]): unknown[] =>
  outcomes.map((one) => 'cursor' in one && one.cursor.offset);
const sizes = (calls: readonly Batch[]): number[] => calls.map((batch) => batch.length);

test('LOG-1: what comes while a call is under way goes with the next, each with its own outcomes', async () => {
  const { append, calls, answerNext } = gatherByHand();
  const first = append([event('a', 1)]);
  const second = append([event('a', 2), event('b', 1)]);
  const third = append([event('a', 3)]);
  expect(sizes(calls)).toEqual([1]);
  await answerNext();
  expect(offsets(await first)).toEqual([0]);
  await answerNext();
  expect(sizes(calls)).toEqual([1, 3]);
  expect([offsets(await second), offsets(await third)]).toEqual([[0, 1], [2]]);
});

test('LOG-1: a call has as many requests and bytes as it may, or one larger batch alone', async () => {
  const { append, calls, answerNext } = gatherByHand();
  const large = event('a', 'x'.repeat(6_000));
  const batches = [
    [event('a', 1)],
    Array(9).fill(event('a', 1)),
    [large],
    [large],
    [event('a', 2)],
  ];
  const answers = batches.map((batch) => append(batch as Batch));
  for (const answer of answers.slice(0, 3)) {
    await answerNext();
    await answer;
  }
  await answerNext();
  expect(sizes(calls)).toEqual([1, 9, 1, 2]);
  await Promise.all(answers);
});

test('LOG-16: who waits too long is told so, and what waited is never sent', async () => {
  const { append, calls, answerNext } = gatherByHand({ answerWithinMs: 30 });
  const unavailable = { code: 'engine/unavailable', retryable: true };
  const answers = [append([event('a', 'under way')]), append([event('a', 'waiting')])];
  for (const answer of answers) await expect(answer).rejects.toMatchObject(unavailable);
  const later = append([event('a', 'later')]);
  await answerNext();
  await expect.poll(() => calls.length, SOON).toBe(2);
  expect(calls[1]).toEqual([event('a', 'later')]);
  await answerNext();
  expect(offsets(await later)).toEqual([0]);
});

test('LOG-2: a failed call fails for those who were in it, and the next goes on', async () => {
  const { append, failNext, answerNext } = gatherByHand();
  const first = append([event('a', 1)]);
  const second = append([event('a', 2)]);
  failNext(new Error('broken'));
  await expect(first).rejects.toThrow('broken');
  await answerNext();
  expect(offsets(await second)).toEqual([0]);
});
