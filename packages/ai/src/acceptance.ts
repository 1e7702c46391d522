// What the channels are told when a run is accepted and when its first owner claims it, in the transactions that do so.
// Rules: RUN-1, RUN-13.

import { aiRuns, conversations } from '@millrace/protocol/runs';
import type { Hub } from '@millrace/server';
import type { SqlTransaction } from '@millrace/server/postgres';
import { boundedJson } from './bounded.ts';
import { outboxOf } from './ending.ts';
import type { RunRow } from './store/run-row.ts';

export async function publishAcceptance(hub: Hub, tx: SqlTransaction, run: RunRow): Promise<void> {
  const { id: runId, conversationId, messageId, userId } = run;
  const out = outboxOf(tx);
  const data = { conversationId, messageId };
  await hub.publish(aiRuns.of({ runId }), { type: 'run-accepted', data }, { tx: out });
  const question = boundedJson(run.question);
  const event = {
    type: 'run-accepted',
    data: { runId, messageId, userId, question, retryOf: null },
  } as const;
  await hub.publish(conversations.of({ conversationId }), event, { tx: out });
}

/** Of those among them that somebody takes for the first time. */
export async function publishStarts(
  hub: Hub,
  tx: SqlTransaction,
  runs: readonly RunRow[],
): Promise<void> {
  const first = runs.filter(({ fence }) => fence === 1);
  if (first.length === 0) return;
  const written = await hub.publishMany(
    first.map(({ id: runId, conversationId }) => ({
      channel: conversations.of({ conversationId }),
      event: { type: 'run-started', data: { runId } },
    })),
    { tx: outboxOf(tx) },
  );
  for (const one of written) if ('error' in one) throw one.error;
}
