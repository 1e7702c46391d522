// Publishing. What was not answered goes out again on the next link, in the same order and with the same
// idempotency key, so that the server keeps it once. On a duplex link each event is a frame of its own; else they
// go by POST, one request at a time, so that their order holds. Rules: CLI-13, PUB-2, PUB-3, PUB-5, HTTP-1.

import {
  type Cursor,
  MillraceError,
  type PublishResult,
  toMillraceError,
} from '@millrace/protocol';
import type { PublishItem } from '@millrace/protocol/wire';
import type { Environment } from './environment.ts';
import type { Link } from './link.ts';

export interface PublisherHost {
  readonly environment: Pick<Environment, 'now' | 'setTimer'>;
  /** The open link, or null. */
  link(): Link | null;
  /** The results, in order. @throws MillraceError for the request as a whole */
  post(items: readonly PublishItem[]): Promise<readonly PublishResult[]>;
}

export interface Publisher {
  publish(item: PublishItem): Promise<Cursor>;
  /** A link opened, or another one took over: what was not answered goes out on it. */
  flush(): void;
  settle(id: number, result: PublishResult | undefined): void;
  /** Nothing of it will be answered any more. */
  abandon(error: MillraceError): void;
}

interface Pending {
  readonly item: PublishItem;
  /** When it first went out; null before. From then on the server may have it. */
  sentAt: number | null;
  /** The link that carried it last; 0 is none. */
  sentOn: number;
  resolve(cursor: Cursor): void;
  reject(error: MillraceError): void;
}

/** More than this and `publish` is refused: a page that is offline must not fill its memory. */
const MAX_PENDING = 1_000;
/** The server remembers a key for 10 min: a repetition must stay well within. */
const REPEAT_WITHIN_MS = 5 * 60_000;
const RETRY_MS = 1_000;
/** Characters of one request; the server takes 64 KiB, and a character is three bytes at most. */
const MAX_BATCH_LENGTH = 20_000;

export function createPublisher({ environment, link: openLink, post }: PublisherHost): Publisher {
  const { now, setTimer } = environment;
  /** By id, oldest first. */
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let isPosting = false;

  function settle(id: number, result: PublishResult | undefined): void {
    const entry = pending.get(id);
    pending.delete(id);
    if (result && 'cursor' in result) entry?.resolve(result.cursor);
    else entry?.reject(result?.error ?? new MillraceError('link/lost', 'Unreadable answer.'));
  }

  function flush(): void {
    const link = openLink();
    for (const [id, entry] of pending) {
      if (entry.sentAt !== null && now() - entry.sentAt > REPEAT_WITHIN_MS) {
        const error = new MillraceError('link/lost', 'No answer; it may have been accepted.');
        settle(id, { error });
      } else if (link?.isDuplex && entry.sentOn !== link.ref.number) {
        entry.sentOn = link.ref.number;
        entry.sentAt ??= now();
        link.send({ type: 'publish', id, events: [entry.item] });
      }
    }
    if (link?.isDuplex === false && !isPosting && pending.size > 0) void postNext();
  }

  async function postNext(): Promise<void> {
    isPosting = true;
    const batch = nextBatch();
    let pauseMs = 0;
    try {
      const results = await post(batch.map(([, { item }]) => item));
      batch.forEach(([id], index) => settle(id, results[index]));
    } catch (thrown) {
      const error = toMillraceError(thrown);
      pauseMs = Number(error.details?.['retryAfterMs'] ?? RETRY_MS);
      if (error.policy === 'stop') for (const [id] of batch) settle(id, { error });
    }
    // Until then the next ones wait too: their order is a promise.
    setTimer(() => {
      isPosting = false;
      flush();
    }, pauseMs);
  }

  function nextBatch(): readonly (readonly [number, Pending])[] {
    let length = 0;
    const entries = [...pending].filter(([, { item }], index) => {
      length += JSON.stringify(item).length;
      return index === 0 || length <= MAX_BATCH_LENGTH;
    });
    for (const [, entry] of entries) entry.sentAt ??= now();
    return entries;
  }

  return {
    publish: (item) =>
      new Promise((resolve, reject) => {
        if (pending.size >= MAX_PENDING) {
          throw new MillraceError('limit/publishes', 'Too many events wait.');
        }
        lastId += 1;
        pending.set(lastId, { item, sentAt: null, sentOn: 0, resolve, reject });
        flush();
      }),
    flush,
    settle,
    abandon(error) {
      for (const id of pending.keys()) settle(id, { error });
    },
  };
}
