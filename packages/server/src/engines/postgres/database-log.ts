// A log in a database: one row a channel whose lock orders the appends, one row an event. Rules: LOG-1 … LOG-14.
// Refuses to own: the connection, and when to compact.

import { MillraceError, type Offset } from '@millrace/protocol';
import { encodeEvent, toOffset } from '@millrace/protocol/wire';
import type { AppendHint, AppendOutcome, AppendRequest, Log, LogEntry } from '../../seams/log.ts';
import { createInFlight } from '../in-flight.ts';
import { createListeners } from '../listeners.ts';
import { createAppendQueue } from './append-queue.ts';
import { isSqlTransaction, type SqlDatabase, type SqlTransaction } from './database.ts';
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
  /** The attempt that runs or ran, without beginning a new one: a transaction must not wait for what is behind it. */
  readonly started: () => Promise<string>;
  readonly keyWindowMs: number;
  /** Told how many rows a compaction, or forgetting, has deleted. */
  readonly onTrimmed: (rows: number) => Promise<void>;
}

export interface DatabaseLog extends Log {
  /** What was committed by a transaction, or forgotten, as its notification says: `head isEnded incarnation channel`. */
  notified(payload: string, epoch: string): void;
}

/** Rows one compaction deletes at most; what is over goes with the next. */
const MAX_TRIMMED_ROWS = 10_000;

/** Requests that are gathered into one statement at most: some 30 ms of an embedded database's time. */
const MAX_STATEMENT_REQUESTS = 1_000;

export function createDatabaseLog(options: DatabaseLogOptions): DatabaseLog {
  const { database, ready, started } = options;
  const listeners = createListeners();
  const inFlight = createInFlight();
  const appendQueued = createAppendQueue(appendNow, MAX_STATEMENT_REQUESTS);

  async function appendNow(batch: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    const epoch = await ready();
    const outcomes = await appendOn(database, batch, epoch, false).catch((cause: unknown) => {
      throw toEngineError(cause);
    });
    for (const [channel, hint] of hintsOf(batch, outcomes)) listeners.hint(channel, hint);
    return outcomes;
  }

  async function appendWithin(
    tx: unknown,
    batch: readonly AppendRequest[],
  ): Promise<readonly AppendOutcome[]> {
    return appendOn(checkTransaction(tx), batch, await started(), true);
  }

  /** Its notification hints, in a transaction or not. */
  async function forget(
    on: SqlTransaction,
    channel: string,
    incarnation: string | null,
  ): Promise<{ readonly erased: number; readonly isOwn: boolean }> {
    const [row] = await on.query(FORGET_CHANNEL, [channel, incarnation]);
    return { erased: Number(row?.['erased']), isOwn: row?.['is_own'] === true };
  }

  async function appendOn(
    on: SqlTransaction,
    batch: readonly AppendRequest[],
    epoch: string,
    isNotifying: boolean,
  ): Promise<readonly AppendOutcome[]> {
    const params = appendParams(batch, epoch, options.keyWindowMs, isNotifying);
    const rows = await on.query(APPEND, params);
    return rows.map((row, index) => parseOutcome(row, epoch, batch[index]?.channel ?? ''));
  }

  function run<Result>(work: () => Promise<Result>): Promise<Result> {
    return inFlight.run(() =>
      work().catch((cause: unknown) => {
        throw toEngineError(cause);
      }),
    );
  }

  return {
    append(batch, appendOptions) {
      const tx = appendOptions?.tx;
      return run(() => (tx === undefined ? appendQueued(batch) : appendWithin(tx, batch)));
    },
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
        const { tx, epoch: ofEpoch } = forgetOptions ?? {};
        const within = tx === undefined ? database : checkTransaction(tx);
        const epoch = await (tx === undefined ? ready() : started());
        const incarnation = ofEpoch === undefined ? null : incarnationIn(epoch, ofEpoch);
        const { erased, isOwn } = await forget(within, channel, incarnation);
        if (tx === undefined) await options.onTrimmed(erased);
        return isOwn;
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

function checkTransaction(tx: unknown): SqlTransaction {
  if (isSqlTransaction(tx)) return tx;
  throw new MillraceError(
    'request/invalid',
    'That `tx` is no transaction of this database: it has no `query(sql, params)`.',
  );
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
