// Runs that are to be forgotten: those of a conversation that is deleted, and those that have been over for long. Their rows,
// their calls, and the channels that told of them, in one transaction. Rules: RUN-19.

import { type MillraceError, toMillraceError } from '@millrace/protocol';
import { aiRuns, conversations } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { outboxOf } from './ending.ts';
import { FORGET_AT_ONCE, FORGET_EVERY_MS, type RunLimits } from './limits.ts';
import { deleteRuns } from './store/run-store.ts';

export interface ForgettingOptions {
  readonly hub: Hub;
  readonly database: SqlDatabase;
  readonly limits: Pick<RunLimits, 'keepMs'>;
  onError(error: MillraceError): void;
}

export interface Forgetting {
  forget(conversationId: string): Promise<void>;
  /** Resolves once nothing is left that is over for too long. */
  sweep(): Promise<void>;
  close(): void;
}

export function createForgetting(options: ForgettingOptions): Forgetting {
  const { hub, database, limits, onError } = options;
  const timer = setInterval(() => {
    sweep().catch((thrown: unknown) => onError(toMillraceError(thrown)));
  }, FORGET_EVERY_MS);
  timer.unref();

  async function forgetChannels(tx: SqlTransaction, runIds: readonly string[]): Promise<void> {
    for (const runId of runIds) await hub.forget(aiRuns.of({ runId }), { tx: outboxOf(tx) });
  }

  async function sweep(): Promise<void> {
    const old = { endedBeforeMs: limits.keepMs, most: FORGET_AT_ONCE };
    for (let found = FORGET_AT_ONCE; found === FORGET_AT_ONCE; ) {
      found = await database.transaction(async (tx) => {
        const ids = await deleteRuns(tx, old);
        await forgetChannels(tx, ids);
        return ids.length;
      });
    }
  }

  return {
    forget: (conversationId) =>
      database.transaction(async (tx) => {
        await forgetChannels(tx, await deleteRuns(tx, { conversationId }));
        await hub.forget(conversations.of({ conversationId }), { tx: outboxOf(tx) });
      }),
    sweep,
    close: () => clearInterval(timer),
  };
}
