// Publishing: a shell over the outbox. On a duplex link each event is a frame of its own; else they go by POST,
// one request at a time, so that their order holds. Rules: CLI-13, PUB-2, PUB-3, PUB-5, HTTP-1.

import {
  type Cursor,
  DEFAULT_LIMITS,
  MillraceError,
  type PublishItem,
  type PublishResult,
} from '@millrace/protocol';
import type { Link } from './link.ts';
import * as queue from './outbox.ts';

export interface PublisherHost {
  now(): number;
  setTimer(callback: () => void, ms: number): () => void;
  /** The open link, or null. */
  link(): Link | null;
  /** The results, in order. @throws MillraceError for the request as a whole */
  post(items: readonly PublishItem[]): Promise<readonly PublishResult[]>;
}

export interface Publisher {
  publish(item: PublishItem): Promise<Cursor>;
  /** A link opened, or another one took over: what was not answered goes out on it. */
  flush(): void;
  answered(id: number, results: readonly PublishResult[]): void;
  refused(id: number, error: MillraceError): void;
  /** Nothing of it will be answered any more. */
  abandon(error: MillraceError): void;
}

const RETRY_MS = 1_000;
const MAX_RETRY_MS = 20_000;
const BATCH = { maxEvents: 100, maxBytes: DEFAULT_LIMITS.maxFrameBytes - 1_024 } as const;

interface Waiting {
  resolve(cursor: Cursor): void;
  reject(error: MillraceError): void;
}

export function createPublisher(host: PublisherHost): Publisher {
  const waiting = new Map<number, Waiting>();
  let outbox: queue.Outbox = [];
  let lastId = 0;
  let isPosting = false;
  let failures = 0;

  function settle(id: number, result: PublishResult): void {
    const promise = waiting.get(id);
    waiting.delete(id);
    outbox = queue.withoutIds(outbox, new Set([id]));
    if ('cursor' in result) promise?.resolve(result.cursor);
    else promise?.reject(result.error);
  }

  function flush(): void {
    for (const { id } of queue.outdated(outbox, host.now())) {
      const error = 'The event was sent and never answered; it may or may not have been accepted.';
      settle(id, { error: new MillraceError('link/lost', error) });
    }
    const link = host.link();
    if (link === null) return;
    if (link.isDuplex) sendOver(link);
    else if (!isPosting && outbox.length > 0) void postNext();
  }

  function sendOver(link: Link): void {
    const { number } = link.ref;
    const unsent = queue.unsentOn(outbox, number);
    outbox = queue.markSent(outbox, idsOf(unsent), { link: number, now: host.now() });
    for (const { id, item } of unsent) link.send({ type: 'publish', id, events: [item] });
  }

  async function postNext(): Promise<void> {
    isPosting = true;
    const batch = queue.firstBatch(outbox, BATCH);
    outbox = queue.markSent(outbox, idsOf(batch), { link: null, now: host.now() });
    try {
      const results = await host.post(batch.map(({ item }) => item));
      failures = 0;
      batch.forEach(({ id }, index) => {
        const missing = new MillraceError('protocol/malformed', 'The server gave no result.');
        settle(id, results[index] ?? { error: missing });
      });
      isPosting = false;
      flush();
    } catch (thrown) {
      postFailed(batch, thrown);
    }
  }

  function postFailed(batch: queue.Outbox, thrown: unknown): void {
    const error =
      thrown instanceof MillraceError
        ? thrown
        : new MillraceError('link/lost', 'The answer was lost.', { cause: thrown });
    if (error.policy === 'stop') {
      for (const { id } of batch) settle(id, { error });
      isPosting = false;
      flush();
      return;
    }
    const { retryAfterMs } = error.details ?? {};
    const pauseMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures);
    failures += 1;
    // Until then the next ones wait too: their order is a promise.
    host.setTimer(
      () => {
        isPosting = false;
        flush();
      },
      typeof retryAfterMs === 'number' ? retryAfterMs : pauseMs,
    );
  }

  return {
    publish(item) {
      if (outbox.length >= queue.MAX_PENDING) {
        const text = `${queue.MAX_PENDING} events wait to be published. Publish later.`;
        return Promise.reject(new MillraceError('limit/publishes', text));
      }
      lastId += 1;
      const id = lastId;
      outbox = queue.withItem(outbox, id, item);
      const promise = new Promise<Cursor>((resolve, reject) =>
        waiting.set(id, { resolve, reject }),
      );
      flush();
      return promise;
    },
    flush,
    answered(id, [result]) {
      const missing = new MillraceError('protocol/malformed', 'The server gave no result.');
      settle(id, result ?? { error: missing });
    },
    refused: (id, error) => settle(id, { error }),
    abandon(error) {
      for (const { id } of outbox) settle(id, { error });
    },
  };
}

function idsOf(outbox: queue.Outbox): ReadonlySet<number> {
  return new Set(outbox.map(({ id }) => id));
}
