// A log in a database: one row a channel whose lock orders the appends, one row an event. Rules: LOG-1 … LOG-14.
// Refuses to own: the connection, and when to compact.

import { MillraceError, type Offset } from '@millrace/protocol';
import { encodeEvent, toOffset } from '@millrace/protocol/wire';
import type { AppendHint, AppendOutcome, AppendRequest, Log, LogEntry } from '../../seams/log.ts';
import { createInFlight } from '../in-flight.ts';
import { createListeners } from '../listeners.ts';
import { createAppendQueue } from './append-queue.ts';
import type { SqlDatabase } from './database.ts';
import { toEngineError } from './engine-error.ts';
import {
  APPEND,
  appendParams,
  COMPACT,
  channelEpoch,
  FORGET_CHANNEL,
  FORGET_PRODUCERS,
  incarnationIn,
  parseOutcome,
  parsePage,
  READ,
} from './rows.ts';

export interface DatabaseLogOptions {
  readonly database: SqlDatabase;
  /** Resolves with the epoch once the schema stands. Asked before each call, so it remembers. */
  readonly ready: () => Promise<string>;
  readonly keyWindowMs: number;
  /** Told how many rows a compaction, or forgetting, has deleted. */
  readonly onTrimmed: (rows: number) => Promise<void>;
}

export interface DatabaseLog extends Log {
  /** What was forgotten, as its notification says: `head isEnded incarnation channel`. */
  notified(payload: string, epoch: string): void;
}

/** Rows one compaction deletes at most; what is over goes with the next. */
const MAX_TRIMMED_ROWS = 10_000;

/** Requests that are gathered into one statement at most: some 30 ms of an embedded database's time. */
const MAX_STATEMENT_REQUESTS = 1_000;

export function createDatabaseLog(options: DatabaseLogOptions): DatabaseLog {
  const { database, ready } = options;
  const listeners = createListeners();
  const inFlight = createInFlight();
  const appendQueued = createAppendQueue(appendNow, MAX_STATEMENT_REQUESTS);

  async function appendNow(batch: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    const epoch = await ready();
    // Nobody else hears of it: whoever listens does so here.
    const params = appendParams(batch, epoch, options.keyWindowMs, false);
    const rows = await database.query(APPEND, params).catch((cause: unknown) => {
      throw toEngineError(cause);
    });
    const outcomes = rows.map((row, index) =>
      parseOutcome(row, epoch, batch[index]?.channel ?? ''),
    );
    for (const [channel, hint] of hintsOf(batch, outcomes)) listeners.hint(channel, hint);
    return outcomes;
  }

  function run<Result>(work: () => Promise<Result>): Promise<Result> {
    return inFlight.run(() =>
      work().catch((cause: unknown) => {
        throw toEngineError(cause);
      }),
    );
  }

  return {
    append: (batch) => run(() => appendQueued(batch)),
    read(channel, after, size) {
      return run(async () => {
        const epoch = await ready();
        const rows = await database.query(READ, [channel, after, size.maxEvents, size.maxBytes]);
        return parsePage(rows, epoch, size);
      });
    },
    watch: listeners.add,
    compact(channel, retention) {
      return run(async () => {
        const epoch = await ready();
        const { snapshot } = retention;
        const [row] = await database.query(COMPACT, [
          channel,
          retention.size,
          retention.maxAgeMs,
          retention.needsSnapshot ?? false,
          retention.epoch === undefined ? null : incarnationIn(epoch, retention.epoch),
          snapshot?.offset ?? null,
          snapshot?.version ?? null,
          snapshot?.text ?? null,
          MAX_TRIMMED_ROWS,
        ]);
        const trimmed = Number(row?.['trimmed']);
        if (trimmed < 0) {
          throw new MillraceError(
            'request/invalid',
            'A snapshot cannot be newer than its channel.',
          );
        }
        await database.query(FORGET_PRODUCERS, []);
        await options.onTrimmed(trimmed);
      });
    },
    forget(channel, forgetOptions) {
      return run(async () => {
        const epoch = await ready();
        const own = forgetOptions?.epoch;
        const incarnation = own === undefined ? null : incarnationIn(epoch, own);
        // Its notification hints.
        const [row] = await database.query(FORGET_CHANNEL, [channel, incarnation]);
        await options.onTrimmed(Number(row?.['erased']));
        return row?.['is_own'] === true;
      });
    },
    notified(payload, epoch) {
      const [head, isEnded, incarnation, channel] = payload.split(' ');
      if (head === undefined || channel === undefined) return;
      listeners.hint(channel, {
        epoch: channelEpoch(epoch, incarnation),
        head: toOffset(Number(head)),
        isEnded: isEnded === 't',
        // Left for the reader to read, if it wants this channel at all.
        entries: [],
      });
    },
    async close() {
      await inFlight.close();
      listeners.clear();
    },
  };
}

interface HintOfBatch {
  readonly epoch: string;
  head: Offset;
  isEnded: boolean;
  readonly entries: LogEntry[];
}

/** One hint for each channel that took something, in the order in which the batch names them. */
function hintsOf(
  batch: readonly AppendRequest[],
  outcomes: readonly AppendOutcome[],
): ReadonlyMap<string, AppendHint> {
  const hints = new Map<string, HintOfBatch>();
  for (const [index, request] of batch.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined || 'error' in outcome || outcome.isDuplicate) continue;
    const { epoch, offset } = outcome.cursor;
    const one = hints.get(request.channel) ?? { epoch, head: offset, isEnded: false, entries: [] };
    one.head = offset;
    if ('isEnd' in request) one.isEnded = true;
    else one.entries.push({ offset, text: encodeEvent(offset, outcome.at, request.body) });
    hints.set(request.channel, one);
  }
  return hints;
}
