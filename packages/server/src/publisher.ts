// From an event to the log: checked by its schema, encoded once, gathered with everything else of the tick into one
// append. While an append is under way the next batch gathers (group commit); the queue is bounded.
// Rules: CHAN-4, PUB-1, PUB-3, PUB-5 … PUB-8, LIM-5.

import {
  type Cursor,
  type Limits,
  MillraceError,
  type PublishResult,
  toMillraceError,
} from '@millrace/protocol';
import type { ContractSet } from './contract-set.ts';
import { type PublishRequest, prepareEvent } from './prepare-event.ts';
import type { AppendEnd, AppendEvent, AppendOutcome, AppendRequest, Log } from './seams/log.ts';

/** When to come back to a full queue, ms: an engine that answers at all empties it in less. */
const RETRY_AFTER_MS = 1_000;
/** Requests of one append: what is more waits for the next, so that no answer waits for everybody's. */
const MAX_BATCH = 1_000;

export interface Publisher {
  /** Each item's result, in order. Rejects only where all failed alike: overload, a failed append. */
  publish(items: readonly PublishRequest[]): Promise<PublishResult[]>;
  end(channel: string): Promise<Cursor>;
  /** What was checked and encoded before, as it is. Waits in no queue. */
  append(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]>;
  /** Requests that wait or are under way. */
  readonly waiting: number;
  /** Resolves once everything that was taken is answered. */
  idle(): Promise<void>;
}

export interface PublisherOptions {
  readonly log: Log;
  readonly contracts: ContractSet;
  readonly limits: Limits;
  /** After an answered append: an engine's hint may come late or not at all. */
  readonly onAppended: (channel: string, cursor: Cursor) => void;
}

interface Job {
  readonly bytes: number;
  readonly requests: readonly AppendRequest[];
  readonly resolve: (outcomes: readonly AppendOutcome[]) => void;
  readonly reject: (error: MillraceError) => void;
}

export function createPublisher(options: PublisherOptions): Publisher {
  const { log, contracts, limits, onAppended } = options;
  let queue: Job[] = [];
  let waiting = 0;
  let waitingBytes = 0;
  let isBusy = false;
  let whenIdle: (() => void)[] = [];

  function enqueue(requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    // More than that in one call is no queue: it passes when nothing else waits.
    const bytes = bytesOf(requests);
    const isFull =
      waiting + requests.length > limits.maxPublishQueue ||
      waitingBytes + bytes > limits.maxPublishQueueBytes;
    if (waiting > 0 && isFull) return Promise.reject(overloaded(waiting));
    waiting += requests.length;
    waitingBytes += bytes;
    const { promise, resolve, reject } = Promise.withResolvers<readonly AppendOutcome[]>();
    queue.push({ bytes, requests, resolve, reject });
    if (!isBusy) {
      isBusy = true;
      // The end of the tick: whatever else is published in it shares the append.
      setImmediate(() => void drain());
    }
    return promise;
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) await appendBatch(takeBatch());
    isBusy = false;
    const resolvers = whenIdle;
    whenIdle = [];
    for (const resolve of resolvers) resolve();
  }

  /** Whole jobs only: what was published together is appended together. */
  function takeBatch(): Job[] {
    let size = 0;
    let count = 0;
    for (const job of queue) {
      size += job.requests.length;
      if (count > 0 && size > MAX_BATCH) break;
      count += 1;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    return batch;
  }

  async function appendBatch(jobs: readonly Job[]): Promise<void> {
    const [first] = jobs;
    const requests =
      first !== undefined && jobs.length === 1
        ? first.requests
        : jobs.flatMap((job) => job.requests);
    try {
      const outcomes = await log.append(requests);
      noteAll(requests, outcomes);
      let at = 0;
      for (const job of jobs) {
        job.resolve(outcomes.slice(at, at + job.requests.length));
        at += job.requests.length;
      }
    } catch (thrown) {
      const error = toMillraceError(thrown);
      for (const job of jobs) job.reject(error);
    } finally {
      waiting -= requests.length;
      for (const { bytes } of jobs) waitingBytes -= bytes;
    }
  }

  function noteAll(requests: readonly AppendRequest[], outcomes: readonly AppendOutcome[]): void {
    let index = 0;
    for (const { channel } of requests) {
      const outcome = outcomes[index];
      index += 1;
      if (outcome !== undefined && 'cursor' in outcome) onAppended(channel, outcome.cursor);
    }
  }

  return {
    async publish(items) {
      const prepared = items.map((item) => prepareEvent(item, contracts, limits));
      const requests = prepared.filter(
        (one): one is AppendEvent => !(one instanceof MillraceError),
      );
      const outcomes = requests.length === 0 ? [] : await enqueue(requests);
      let next = 0;
      return prepared.map((one) => {
        if (one instanceof MillraceError) return { error: one };
        const outcome = outcomes[next];
        next += 1;
        return resultOf(outcome);
      });
    },
    async end(channel) {
      const request: AppendEnd = { channel, isEnd: true };
      const result = resultOf((await enqueue([request]))[0]);
      if ('error' in result) throw result.error;
      return result.cursor;
    },
    async append(requests) {
      const outcomes = await log.append(requests);
      noteAll(requests, outcomes);
      return outcomes;
    },
    get waiting() {
      return waiting;
    },
    idle: () =>
      isBusy ? new Promise((resolve) => void whenIdle.push(resolve)) : Promise.resolve(),
  };
}

/** In characters, which is near enough for a bound. */
function bytesOf(requests: readonly AppendRequest[]): number {
  let bytes = 0;
  for (const request of requests) if (!('isEnd' in request)) bytes += request.body.length;
  return bytes;
}

function resultOf(outcome: AppendOutcome | undefined): PublishResult {
  if (outcome === undefined) {
    return { error: new MillraceError('server/internal', 'The engine left an event unanswered.') };
  }
  return 'error' in outcome ? { error: outcome.error } : { cursor: outcome.cursor };
}

function overloaded(waiting: number): MillraceError {
  return new MillraceError(
    'server/overloaded',
    `${waiting} events wait for the engine. Try again in a moment.`,
    { details: { retryAfterMs: RETRY_AFTER_MS } },
  );
}
