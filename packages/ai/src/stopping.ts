// Asking a run to stop: one that waits has ended by that, the owner of one at work is told. Rules: RUN-8, RUN-10.

import { EMPTY_RUN, foldRun, type RunState } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import type { SqlDatabase, SqlTransaction } from '@millrace/server/postgres';
import { checkWord } from './check-word.ts';
import { publishEnd } from './ending.ts';
import { NEWS, notify } from './news.ts';
import type { RunRow } from './store/run-row.ts';
import { requestStop, stopAtWork } from './store/run-store.ts';

export interface Stopping {
  stop(runId: string, by: string): Promise<RunRow | null>;
  /** In the transaction that asked for it: ends it, or tells its owner once that is committed. */
  follow(tx: SqlTransaction, run: RunRow): Promise<void>;
}

export interface StoppingOptions {
  readonly hub: Hub;
  readonly database: SqlDatabase;
  onEnd(tx: SqlTransaction, run: RunRow, state: RunState): Promise<void>;
}

export function createStopping({ hub, database, onEnd }: StoppingOptions): Stopping {
  async function follow(tx: SqlTransaction, run: RunRow): Promise<void> {
    if (run.status === 'stopping') return notify(tx, { is: 'stop', run });
    const { usage, conversationId, messageId, stoppedBy } = run;
    const ended = { status: 'stopped', finishReason: null, error: null, usage } as const;
    const event = await publishEnd(hub, tx, run, ended);
    const of = { conversationId, messageId, stoppedBy };
    const queued: RunState = { ...EMPTY_RUN, ...of, status: 'queued' };
    await onEnd(tx, run, foldRun(queued, event));
  }

  return {
    follow,
    async stop(runId, by) {
      checkWord(by, 'by');
      const atWork = await stopAtWork(database, runId, by, NEWS);
      if (atWork !== null) return atWork;
      return database.transaction(async (tx) => {
        const stopped = await requestStop(tx, runId, by);
        if (stopped !== null) await follow(tx, stopped);
        return stopped;
      });
    },
  };
}
