// From an event to the log: checked by its schema, encoded once, gathered with everything else of the tick into one
// append. While an append is under way the next batch gathers (group commit); the queue is bounded.
// Rules: CHAN-4, PUB-1, PUB-3, PUB-5 … PUB-8, LIM-5.

import {
  type Cursor,
  checkSchema,
  type Expected,
  type Limits,
  MillraceError,
  type Producer,
  type PublishResult,
  toMillraceError,
} from '@millrace/protocol';
import { encodeEventBody, type PublishItem } from '@millrace/protocol/wire';
import type { AnyContract, ContractSet } from './contract-set.ts';
import type { AppendEnd, AppendEvent, AppendOutcome, AppendRequest, Log } from './seams/log.ts';

/** When to come back to a full queue, ms: an engine that answers at all empties it in less. */
const RETRY_AFTER_MS = 1_000;
/** Requests of one append: what is more waits for the next, so that no answer waits for everybody's. */
const MAX_BATCH = 1_000;

/** An event as it is published, from inside or outside. */
export interface PublishRequest extends Pick<PublishItem, 'channel' | 'event'> {
  /** The channel's, where the program has it at hand: then its name need not be read for every event. */
  readonly contract?: AnyContract | undefined;
  readonly key?: PublishConditions['key'] | undefined;
  readonly producer?: PublishConditions['producer'] | undefined;
  readonly expect?: PublishConditions['expect'] | undefined;
}

/** On what it depends whether the event is appended. */
export interface PublishConditions {
  /** Idempotency key: a repeat within 10 min appends nothing and gets the first one's cursor. */
  readonly key?: string;
  /** In place of a key, for many events in order: a repeat appends nothing, a replaced owner is refused. */
  readonly producer?: Producer;
  /** The cursor at which the channel's head must stand, or `empty`; else `publish/conflict`, with the head in `details`. */
  readonly expect?: Expected;
}

export interface Publisher {
  /** Each item's result, in order. Rejects only where all failed alike: overload, a failed append. */
  publish(
    items: readonly PublishRequest[],
    options?: { readonly tx?: unknown },
  ): Promise<PublishResult[]>;
  end(channel: string, options?: { readonly tx?: unknown }): Promise<Cursor>;
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

  /** In a transaction the engine hints at the commit; before it nothing may be told. */
  function append(
    requests: readonly AppendRequest[],
    tx: unknown,
  ): Promise<readonly AppendOutcome[]> {
    return tx === undefined ? enqueue(requests) : log.append(requests, { tx });
  }

  return {
    async publish(items, { tx } = {}) {
      const prepared = items.map((item) => prepare(item, contracts, limits));
      const requests = prepared.filter(
        (one): one is AppendEvent => !(one instanceof MillraceError),
      );
      const outcomes = requests.length === 0 ? [] : await append(requests, tx);
      let next = 0;
      return prepared.map((one) => {
        if (one instanceof MillraceError) return { error: one };
        const outcome = outcomes[next];
        next += 1;
        return resultOf(outcome);
      });
    },
    async end(channel, { tx } = {}) {
      const request: AppendEnd = { channel, isEnd: true };
      const result = resultOf((await append([request], tx))[0]);
      if ('error' in result) throw result.error;
      return result.cursor;
    },
    get waiting() {
      return waiting;
    },
    idle: () =>
      isBusy ? new Promise((resolve) => void whenIdle.push(resolve)) : Promise.resolve(),
  };
}

/** The event as the log takes it, or why it is refused. */
function prepare(
  request: PublishRequest,
  contracts: ContractSet,
  limits: Limits,
): AppendEvent | MillraceError {
  const { channel, event, key, producer, expect } = request;
  const contract =
    request.contract !== undefined && contracts.has(request.contract)
      ? request.contract
      : contracts.find(channel)?.contract;
  if (contract === undefined) return unknownChannel(channel);
  try {
    const body = encodeChecked(contract, event);
    const { maxEventBytes } = limits;
    // A character is three bytes at most: a short text need not be measured.
    const bytes = body.length * 3 > maxEventBytes ? Buffer.byteLength(body) : 0;
    if (bytes > maxEventBytes) return oversize(bytes, maxEventBytes);
    if (key === undefined && producer === undefined && expect === undefined) {
      return { channel, body };
    }
    checkConditions(request, limits);
    return {
      channel,
      body,
      ...(key === undefined ? {} : { key }),
      ...(producer === undefined ? {} : { producer }),
      ...(expect === undefined ? {} : { expect }),
    };
  } catch (thrown) {
    return toMillraceError(thrown);
  }
}

/** @throws MillraceError `request/invalid` */
function checkConditions({ key, producer }: PublishRequest, { maxKeyLength }: Limits): void {
  if (key !== undefined && producer !== undefined) {
    throw invalid('Give `key` or `producer`, not both: a key is a producer that is used once.');
  }
  if ((key ?? producer?.id ?? '').length > maxKeyLength) {
    throw invalid(`A key, or a producer's id, has at most ${maxKeyLength} characters.`);
  }
  if (producer === undefined) return;
  const { epoch, sequence } = producer;
  if (Number.isSafeInteger(epoch) && Number.isSafeInteger(sequence) && epoch >= 0 && sequence > 0) {
    return;
  }
  throw invalid("A producer's `epoch` is a whole number, its `sequence` one above 0.");
}

function invalid(message: string): MillraceError {
  return new MillraceError('request/invalid', message);
}

/** In characters, which is near enough for a bound. */
function bytesOf(requests: readonly AppendRequest[]): number {
  let bytes = 0;
  for (const request of requests) if (!('isEnd' in request)) bytes += request.body.length;
  return bytes;
}

function encodeChecked(contract: AnyContract, event: PublishItem['event']): string {
  const schema = Object.hasOwn(contract.events, event.type)
    ? contract.events[event.type]
    : undefined;
  if (schema === undefined) {
    const types = Object.keys(contract.events).join(', ');
    throw new MillraceError(
      'contract/unknown-event',
      `"${contract.type}" has no event "${event.type}". It has: ${types}.`,
    );
  }
  const checked = checkSchema(schema, event.data);
  if ('problems' in checked) {
    throw new MillraceError(
      'contract/invalid-event',
      `This is no "${event.type}" of "${contract.type}": ${checked.problems.join('; ')}.`,
      { details: { problems: checked.problems } },
    );
  }
  const { type, id } = event;
  const data: unknown = checked.value;
  return encodeEventBody(id === undefined ? { type, data } : { type, data, id });
}

function resultOf(outcome: AppendOutcome | undefined): PublishResult {
  if (outcome === undefined) {
    return { error: new MillraceError('server/internal', 'The engine left an event unanswered.') };
  }
  return 'error' in outcome ? { error: outcome.error } : { cursor: outcome.cursor };
}

export function unknownChannel(name: string): MillraceError {
  return new MillraceError('channel/unknown', `There is no channel ${name}. Check its name.`);
}

function oversize(bytes: number, maxBytes: number): MillraceError {
  return new MillraceError(
    'limit/event-size',
    `The event has ${bytes} bytes, ${maxBytes} are allowed. Send a reference instead of the thing.`,
    { details: { bytes, maxBytes } },
  );
}

function overloaded(waiting: number): MillraceError {
  return new MillraceError(
    'server/overloaded',
    `${waiting} events wait for the engine. Try again in a moment.`,
    { details: { retryAfterMs: RETRY_AFTER_MS } },
  );
}
