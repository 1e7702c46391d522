// How a run ends: what its row and its last events say, and the one transaction that says it. Rules: RUN-10, RUN-13.

import { MillraceError, toMillraceError } from '@millrace/protocol';
import {
  aiRuns,
  conversations,
  type FinalStatus,
  foldRun,
  type Json,
  type RunState,
  type RunUsage,
  type RunWrite,
} from '@millrace/protocol/runs';
import type { Hub, OutboxTransaction } from '@millrace/server';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { clipped } from './bounded.ts';
import { MAX_ERROR_LENGTH } from './limits.ts';
import { addUsage } from './meter.ts';
import type { RunRow } from './store/run-row.ts';
import { type Ended, finishRun } from './store/run-store.ts';

export interface Outcome {
  readonly status: FinalStatus;
  /** Safe to show. */
  readonly error: string | null;
}

/** @param rest what was taken behind the last step that ended */
export function endedAs({ status, error }: Outcome, state: RunState, rest: RunUsage): Ended {
  const step = state.parts.findLast(({ type }) => type === 'step');
  const words = error?.replaceAll('\0', '\uFFFD').toWellFormed() ?? null;
  return {
    status,
    finishReason: step?.type === 'step' ? step.finishReason : null,
    error: words === null ? null : clipped(words, MAX_ERROR_LENGTH),
    usage: addUsage(state.usage, rest),
    partial: status === 'completed' ? null : (JSON.parse(JSON.stringify(state.parts)) as Json),
  };
}

export interface EndOptions {
  readonly hub: Hub;
  readonly database: SqlDatabase;
  readonly owner: string;
  /** In the transaction that ends the run: the application's own rows. */
  onEnd(tx: SqlTransaction, run: RunRow, state: RunState): Promise<void>;
  onError(error: MillraceError): void;
  /** So many owners may die of it. */
  readonly maxAttempts: number;
}

/**
 * What `onEnd` rejects is tried again by whoever takes the run over. After as many deaths as a run may have it ends
 * without: an application that can't write its rows must not have it for ever.
 */
export async function endRun(
  run: RunRow,
  state: RunState,
  ended: Ended,
  options: EndOptions,
): Promise<void> {
  const { hub, database, owner, onEnd, onError, maxAttempts } = options;
  async function once(withRows: boolean): Promise<void> {
    await database.transaction(async (tx) => {
      const row = await finishRun(tx, { id: run.id, owner, fence: run.fence }, ended);
      if (row === null) throw new MillraceError('publish/fenced', 'Another owner has the run.');
      const event = await publishEnd(hub, tx, row, ended);
      if (withRows) await onEnd(tx, row, foldRun(state, event));
    });
  }
  try {
    await once(true);
  } catch (thrown) {
    const error = toMillraceError(thrown);
    if (error.code === 'publish/fenced' || run.deaths < maxAttempts) throw thrown;
    onError(error);
    await once(false);
  }
}

/** In the transaction that ends the row: its last event with the end of its channel, and the conversation's. */
export async function publishEnd(
  hub: Hub,
  tx: SqlTransaction,
  { id, conversationId, messageId }: RunRow,
  { status, finishReason, error, usage }: Omit<Ended, 'partial'>,
): Promise<Extract<RunWrite, { readonly type: 'run-end' }>> {
  const channel = aiRuns.of({ runId: id });
  const event = { type: 'run-end', data: { status, finishReason, error, ...usage } } as const;
  const out = outboxOf(tx);
  await hub.publish(channel, event, { tx: out });
  await hub.end(channel, { tx: out });
  const data = { runId: id, messageId, status };
  await hub.publish(conversations.of({ conversationId }), { type: 'run-ended', data }, { tx: out });
  return event;
}

/** A transaction as the hub's outbox takes it. */
export function outboxOf(tx: SqlTransaction): OutboxTransaction {
  return { query: (sql: string, params: unknown[]) => tx.query(sql, params) };
}
