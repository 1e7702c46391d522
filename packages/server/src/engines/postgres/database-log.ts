// A log in a database: one row a channel whose lock orders the appends, one row an event. Rules: LOG-1 … LOG-14.
// Refuses to own: the connection, and when to compact.

import { MillraceError, type Offset } from '@millrace/protocol';
import { encodeEvent } from '@millrace/protocol/wire';
import type { AppendHint, AppendOutcome, AppendRequest, Log, LogEntry } from '../../seams/log.ts';
import { createInFlight } from '../in-flight.ts';
import { createListeners, type Listeners } from '../listeners.ts';
import { createAppendQueue } from './append-queue.ts';
import { isSqlTransaction, onlyRows, type SqlDatabase, type SqlTransaction } from './database.ts';
import { isSchemaGone, toEngineError } from './engine-error.ts';
import { parseHints } from './hint-words.ts';
import {
  APPEND,
  appendParams,
  COMPACT,
  FORGET_CHANNEL,
  FORGET_PRODUCERS,
  parseOutcomes,
  parsePage,
  READ,
} from './rows.ts';
import { rowsOf } from './statements.ts';
import { within } from './within.ts';

export interface DatabaseLogOptions {
  readonly database: SqlDatabase;
  /** Resolves once the schema stands. Asked before each call, so it remembers. */
  readonly ready: () => Promise<unknown>;
  /** The attempt that runs or ran, without beginning a new one: a transaction must not wait for what is behind it. */
  readonly started: () => Promise<unknown>;
  /** The schema stood, and does so no more. */
  readonly onSchemaGone: () => void;
  readonly keyWindowMs: number;
  /** Told how many rows a compaction, or forgetting, has deleted. */
  readonly onTrimmed: (rows: number) => Promise<void>;
  /** How long a call waits for the schema, or for a statement in a transaction, ms; the database bounds the rest. */
  readonly answerWithinMs?: number;
  /** Other nodes are told by whoever wants to: what was appended here, outside of transactions. */
  readonly onAppended?: (channel: string, hint: AppendHint) => void;
  /** Something may have moved that was not hinted: an append without an answer, or too many for one notification. */
  readonly onDoubt?: () => void;
}

export interface DatabaseLog extends Log {
  readonly listeners: Listeners;
  /** What a notification says of appends; `own`: the origin whose words are known already. */
  notified(payload: string, own?: string): void;
}

/** Rows one compaction deletes at most; what is over goes with the next. */
const MAX_TRIMMED_ROWS = 10_000;

/** Requests that are gathered into one statement at most: some 30 ms of an embedded database's time. */
const MAX_STATEMENT_REQUESTS = 1_000;

export function createDatabaseLog(options: DatabaseLogOptions): DatabaseLog {
  const { database, onAppended = ignore, onDoubt = ignore } = options;
  const listeners = createListeners();
  const inFlight = createInFlight();
  const appendQueued = createAppendQueue(appendNow, MAX_STATEMENT_REQUESTS);
  const bounded = <Result>(work: Promise<Result>): Promise<Result> =>
    options.answerWithinMs === undefined ? work : within(options.answerWithinMs, work);
  const ready = (): Promise<unknown> => bounded(options.ready());

  async function appendNow(batch: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    const outcomes = await attempt(async () => {
      await ready();
      return appendOn(database, batch, false);
    }).catch((error: unknown) => {
      onDoubt();
      throw error;
    });
    for (const [channel, hint] of hintsOf(batch, outcomes)) {
      listeners.hint(channel, hint);
      onAppended(channel, hint);
    }
    return outcomes;
  }

  async function appendWithin(
    tx: unknown,
    batch: readonly AppendRequest[],
  ): Promise<readonly AppendOutcome[]> {
    const on = checkTransaction(tx);
    await bounded(options.started());
    return bounded(appendOn(on, batch, true));
  }

  /** Its notification hints, in a transaction or not. */
  async function forget(on: SqlTransaction, channel: string): Promise<number> {
    const [row] = await on.query(FORGET_CHANNEL, [channel]);
    return Number(row?.['erased']);
  }

  async function appendOn(
    on: SqlTransaction,
    batch: readonly AppendRequest[],
    isNotifying: boolean,
  ): Promise<readonly AppendOutcome[]> {
    const rows = await on.query(APPEND, appendParams(batch, options.keyWindowMs, isNotifying));
    return parseOutcomes(rows, batch);
  }

  function attempt<Result>(work: () => Promise<Result>): Promise<Result> {
    return work().catch((cause: unknown) => {
      if (isSchemaGone(cause)) options.onSchemaGone();
      throw toEngineError(cause);
    });
  }

  function run<Result>(work: () => Promise<Result>): Promise<Result> {
    return inFlight.run(() => attempt(work));
  }

  return {
    append(batch, appendOptions) {
      const tx = appendOptions?.tx;
      return run(() => (tx === undefined ? appendQueued(batch) : appendWithin(tx, batch)));
    },
    read(channel, after, size) {
      return run(async () => {
        await ready();
        const rows = await database.query(READ, [channel, after, size.maxEvents, size.maxBytes]);
        return parsePage(rows, size);
      });
    },
    listeners,
    watch: listeners.add,
    compact(channel, retention) {
      return run(async () => {
        await ready();
        const { snapshot } = retention;
        const [row] = await database.query(COMPACT, [
          channel,
          retention.size,
          retention.maxAgeMs,
          retention.needsSnapshot ?? false,
          retention.epoch ?? null,
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
        if (forgetOptions?.tx !== undefined) {
          const on = checkTransaction(forgetOptions.tx);
          await bounded(options.started());
          await bounded(forget(on, channel));
        } else {
          await ready();
          await options.onTrimmed(await forget(database, channel));
        }
      });
    },
    notified(payload, own) {
      const hints = parseHints(payload);
      if (hints === null || hints.origin === own) return;
      if (hints.moved === null) onDoubt();
      for (const [channel, moved] of hints.moved ?? []) {
        // Left for the reader to read, if it wants this channel at all.
        listeners.hint(channel, { ...moved, entries: [] });
      }
    },
    async close() {
      await inFlight.close();
      listeners.clear();
    },
  };
}

/** A driver's own client will do, which answers with more than rows. */
function checkTransaction(tx: unknown): SqlTransaction {
  if (!isSqlTransaction(tx)) {
    throw new MillraceError(
      'request/invalid',
      'That `tx` is no transaction of this database: it has no `query(sql, params)`.',
    );
  }
  return {
    async query(sql, params) {
      const answer: unknown = await tx.query(sql, params);
      return Array.isArray(answer) ? onlyRows(answer) : rowsOf(answer);
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

function ignore(): void {
  // Nobody else is there to be told.
}
