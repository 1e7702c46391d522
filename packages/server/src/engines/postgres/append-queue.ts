// Gathers what is appended while a statement is under way into the next one: a database answers some two thousand
// statements a second, but takes tens of thousands of events in few of them. Adds no delay. Keeps the order of calls.

import { toMillraceError } from '@millrace/protocol';
import type { AppendOutcome, AppendRequest } from '../../seams/log.ts';

type Batch = readonly AppendRequest[];
type AppendBatch = (batch: Batch) => Promise<readonly AppendOutcome[]>;

interface Waiting {
  readonly batch: Batch;
  resolve(outcomes: readonly AppendOutcome[]): void;
  reject(reason: unknown): void;
}

/** `append` is called with at most `maxRequests`, or with one larger batch alone, and never twice at once. */
export function createAppendQueue(append: AppendBatch, maxRequests: number): AppendBatch {
  const waiting: Waiting[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) await appendTogether(append, takeGroup(waiting, maxRequests));
    isRunning = false;
  }

  return (batch) =>
    new Promise((resolve, reject) => {
      waiting.push({ batch, resolve, reject });
      // Never rejects: each group's failure goes to those who wait for it.
      if (!isRunning) void run();
    });
}

function takeGroup(waiting: Waiting[], maxRequests: number): readonly Waiting[] {
  let count = 0;
  let requests = 0;
  for (const { batch } of waiting) {
    if (count > 0 && requests + batch.length > maxRequests) break;
    count += 1;
    requests += batch.length;
  }
  return waiting.splice(0, count);
}

async function appendTogether(append: AppendBatch, group: readonly Waiting[]): Promise<void> {
  try {
    const outcomes = await append(group.flatMap(({ batch }) => batch));
    let from = 0;
    for (const { batch, resolve } of group) {
      resolve(outcomes.slice(from, from + batch.length));
      from += batch.length;
    }
  } catch (reason) {
    // One that the database refuses must not spoil the others: the whole statement was undone, so each goes alone.
    // Out of reach, it may have been carried out: sent again, what has no key would be appended twice.
    const isRefused = group.length > 1 && toMillraceError(reason).code !== 'engine/unavailable';
    for (const one of group) {
      if (isRefused) await appendTogether(append, [one]);
      else one.reject(reason);
    }
  }
}
