// Taken rows to the log, and what became of each. Refuses to own: taking, settling, trying again.
// Rules: OUT-2, OUT-5, OUT-9.

import { MillraceError, toMillraceError } from '@millrace/protocol';
import { ZERO_OFFSET } from '@millrace/protocol/wire';
import type { AppendOutcome, AppendRequest, Log } from '../seams/log.ts';
import { oldestAtMs } from './delivered-before.ts';
import type { OutboxRow } from './outbox-row.ts';
import type { RefusedRow, TakenRows } from './outbox-store.ts';

/** What is over with: appended, or refused for good. */
export interface Settlement {
  readonly rows: readonly OutboxRow[];
  readonly refused: readonly RefusedRow[];
  /** Why the others are not, though the engine answers. */
  readonly stuck: Stuck | null;
}

export interface Stuck {
  readonly error: MillraceError;
  /** They may have been appended all the same: their channels alone are out of reach, as on one server of a cluster. */
  readonly mayBeDone: boolean;
}

export interface DeliveryOptions {
  readonly log: Pick<Log, 'read' | 'forget'>;
  readonly append: (requests: readonly AppendRequest[]) => Promise<readonly AppendOutcome[]>;
  /** The channel was ended or forgotten. */
  readonly onChanged: (channel: string) => void;
}

/**
 * Rejects where the engine is out of reach: then nobody knows what was appended, and all of it is to be repeated.
 * `isRepeat`: somebody may have tried it before.
 */
export type Deliver = (taken: TakenRows, isRepeat: boolean) => Promise<Settlement>;

interface ReadableRow extends OutboxRow {
  readonly request: AppendRequest;
}

/** How often a row may fail in a way that says nothing of how it will be the next time, while others pass. */
const MAX_FAILURES = 5;
/** And while there is no other one to compare it with. */
const MAX_FAILURES_ALONE = 50;
/** They are of the engine, never of the row: it waits as long as they last. */
const PASSING: ReadonlySet<string> = new Set([
  'engine/unavailable',
  'engine/closed',
  'server/overloaded',
  'server/shutdown',
]);

export function createDelivery(options: DeliveryOptions): Deliver {
  const { log, append, onChanged } = options;
  /** By row: how often it failed. */
  const failures = new Map<number, number>();

  async function appendTogether(rows: readonly ReadableRow[]): Promise<Settlement> {
    try {
      return judge(rows, await append(rows.map(({ request }) => request)));
    } catch (thrown) {
      if (isPassing(thrown)) throw thrown;
      return appendSingly(rows);
    }
  }

  /** One of them fails, and took the others of its batch with it. */
  async function appendSingly(rows: readonly ReadableRow[]): Promise<Settlement> {
    const done: Settlement[] = [];
    const failed: RefusedRow[] = [];
    let most = 0;
    for (const row of rows) {
      try {
        const one = judge([row], await append([row.request]));
        if (one.stuck !== null) return join(done, one);
        done.push(one);
      } catch (thrown) {
        if (isPassing(thrown)) throw thrown;
        const error = toMillraceError(thrown);
        const count = (failures.get(row.id) ?? 0) + 1;
        failures.set(row.id, count);
        // Nothing may overtake it before it is given up: it may be the first of its transaction.
        if (count < MAX_FAILURES) return join(done, stuckBy(error));
        failed.push({ row, error });
        most = Math.max(most, count);
      }
    }
    // Where none passes it is the engine that fails, and all wait.
    const [first] = failed;
    if (first !== undefined && done.length === 0 && most < MAX_FAILURES_ALONE) {
      return stuckBy(first.error);
    }
    return join(done, { rows: failed.map(({ row }) => row), refused: failed, stuck: null });
  }

  async function forgetOnce(
    channel: string,
    { takenAtMs }: TakenRows,
    isRepeat: boolean,
  ): Promise<void> {
    let mayBeDone = isRepeat;
    for (;;) {
      const page = await log.read(channel, ZERO_OFFSET, { maxEvents: 1, maxBytes: 0 });
      if (page.head === 0 && !page.isEnded) return;
      // All of it came later than the order. A channel of which nothing is kept may be what it was.
      if (mayBeDone && oldestAtMs(page) >= takenAtMs) return;
      if (await log.forget(channel, { epoch: page.epoch })) return;
      // Another epoch by now: somebody else forgot it, or the engine was started again and holds what it held.
      mayBeDone = true;
    }
  }

  return async (taken, isRepeat) => {
    const done: Settlement[] = [];
    for (const row of taken.rows) {
      const { request } = row;
      if (request instanceof MillraceError) {
        done.push({ rows: [row], refused: [{ row, error: request }], stuck: null });
      } else if ('isForget' in request) {
        // Alone in its batch.
        await forgetOnce(row.channel, taken, isRepeat);
        done.push({ rows: [row], refused: [], stuck: null });
        onChanged(row.channel);
      }
    }
    const rows = taken.rows.filter(isReadable);
    const appended = rows.length === 0 ? NOTHING : await appendTogether(rows);
    for (const { id, channel, request } of appended.rows) {
      failures.delete(id);
      if ('isEnd' in request) onChanged(channel);
    }
    return join(done, appended);
  };
}

const NOTHING: Settlement = { rows: [], refused: [], stuck: null };

function isReadable(row: OutboxRow): row is ReadableRow {
  return !(row.request instanceof MillraceError) && !('isForget' in row.request);
}

function judge(rows: readonly OutboxRow[], outcomes: readonly AppendOutcome[]): Settlement {
  if (outcomes.length !== rows.length) {
    throw new MillraceError('server/internal', 'The engine left an event unanswered.');
  }
  const over: OutboxRow[] = [];
  const refused: RefusedRow[] = [];
  let stuck: Stuck | null = null;
  for (const [index, row] of rows.entries()) {
    const outcome = outcomes[index];
    const error = outcome !== undefined && 'error' in outcome ? outcome.error : null;
    if (error !== null && isPassing(error)) {
      stuck ??= { error, mayBeDone: true };
      continue;
    }
    over.push(row);
    if (error !== null) refused.push({ row, error });
  }
  return { rows: over, refused, stuck };
}

function stuckBy(error: MillraceError): Settlement {
  return { rows: [], refused: [], stuck: { error, mayBeDone: false } };
}

function join(done: readonly Settlement[], last: Settlement): Settlement {
  const all = [...done, last];
  return {
    rows: all.flatMap(({ rows }) => rows),
    // As they were written, which is the order in which they are told.
    refused: all.flatMap(({ refused }) => refused).toSorted((a, b) => a.row.id - b.row.id),
    stuck: last.stuck,
  };
}

function isPassing(thrown: unknown): boolean {
  return PASSING.has(toMillraceError(thrown).code);
}
