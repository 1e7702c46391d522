// A log in a database: one row a channel whose lock orders the appends, one row an event. Rules: LOG-1 … LOG-14.
// Refuses to own: the connection, and when to compact.

import { MillraceError, type Offset } from '@millrace/protocol';
import { encodeEvent } from '@millrace/protocol/wire';
import type {
  AppendHint,
  AppendOutcome,
  AppendRequest,
  Log,
  LogEntry,
  Retention,
  StoredSnapshot,
} from '../../seams/log.ts';
import { createInFlight } from '../in-flight.ts';
import { createListeners, type Listeners } from '../listeners.ts';
import { createAppendQueue } from './append-queue.ts';
import type { SqlDatabase } from './database.ts';
import { isSchemaGone, toEngineError } from './engine-error.ts';
import { parseHints } from './hint-words.ts';
import {
  APPEND,
  appendParams,
  COMPACT,
  FORGET_CHANNEL,
  FORGET_PRODUCERS,
  HEADS,
  MAX_FORGOTTEN_PRODUCERS,
  parseHead,
  parseOutcomes,
  parsePage,
  READ,
} from './rows.ts';
import { within } from './within.ts';

export interface DatabaseLogOptions {
  readonly database: SqlDatabase;
  /** Resolves once the schema stands. Asked before each call, so it remembers. */
  readonly ready: () => Promise<unknown>;
  /** The schema stood, and does so no more. */
  readonly onSchemaGone: () => void;
  readonly keyWindowMs: number;
  /** Told how many rows a compaction, or forgetting, has deleted. */
  readonly onTrimmed: (rows: number) => Promise<void>;
  /** How long a call waits for the schema, ms; the database bounds the rest. */
  readonly answerWithinMs?: number;
  /** Other nodes are told by whoever wants to: what was appended here. */
  readonly onAppended?: (channel: string, hint: AppendHint) => void;
  /** Something may have moved that was not hinted: an append without an answer, or too many for one notification. */
  readonly onDoubt?: () => void;
}

export interface DatabaseLog extends Log {
  readonly listeners: Listeners;
  /** What a notification says of appends; `own`: the origin whose words are known already. */
  notified(payload: string, own?: string): void;
}

/** Rows one statement of a compaction deletes at most: others get their turn between two. */
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
      // Hints are sent apart: a notification in its transaction would make commits wait for each other.
      return parseOutcomes(
        await database.query(APPEND, appendParams(batch, options.keyWindowMs)),
        batch,
      );
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

  function attempt<Result>(work: () => Promise<Result>): Promise<Result> {
    return work().catch((cause: unknown) => {
      if (isSchemaGone(cause)) options.onSchemaGone();
      throw toEngineError(cause);
    });
  }

  async function trim(
    channel: string,
    { size, maxAgeMs, needsSnapshot = false, epoch, snapshot }: Trimming,
  ): Promise<number> {
    const [row] = await database.query(COMPACT, [
      ...[channel, size, maxAgeMs, needsSnapshot, epoch ?? null],
      ...[snapshot?.offset ?? null, snapshot?.version ?? null, snapshot?.text ?? null],
      MAX_TRIMMED_ROWS,
    ]);
    const trimmed = Number(row?.['trimmed']);
    if (trimmed >= 0) return trimmed;
    throw new MillraceError('request/invalid', 'A snapshot cannot be newer than its channel.');
  }

  async function tellHead(channel: string): Promise<void> {
    if (listeners.of(channel) === undefined) return;
    try {
      const [row] = await database.query(HEADS, [[channel]]);
      if (row !== undefined) listeners.hint(channel, parseHead(row).hint);
    } catch {
      // What was asked for is done: those who watch find out by themselves.
      listeners.refresh(channel);
    }
  }

  async function forgetProducers(): Promise<number> {
    const [row] = await database.query(FORGET_PRODUCERS, []);
    const gone = Number(row?.['gone']);
    await options.onTrimmed(gone);
    return gone;
  }

  function run<Result>(work: () => Promise<Result>): Promise<Result> {
    return inFlight.run(() => attempt(work));
  }

  return {
    append: (batch) => run(() => appendQueued(batch)),
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
        let trimmed = await trim(channel, retention);
        await options.onTrimmed(trimmed);
        // As long as it takes: a channel may grow by more between two compactions than one statement takes away.
        while (trimmed === MAX_TRIMMED_ROWS) {
          trimmed = await trim(channel, { ...retention, snapshot: undefined });
          await options.onTrimmed(trimmed);
        }
        while ((await forgetProducers()) === MAX_FORGOTTEN_PRODUCERS);
      });
    },
    forget(channel, forgetOptions) {
      return run(async () => {
        await ready();
        // Its notification hints; those here, too, where it is not heard.
        const [row] = await database.query(FORGET_CHANNEL, [channel, forgetOptions?.epoch ?? null]);
        await options.onTrimmed(Number(row?.['erased']));
        await tellHead(channel);
        return row?.['is_own'] === true;
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

type Trimming = Omit<Retention, 'snapshot'> & { readonly snapshot?: StoredSnapshot | undefined };

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
