// How a run ends: what its row and its last event say. Rule: RUN-10.

import {
  aiRuns,
  conversations,
  type FinalStatus,
  type Json,
  type RunPart,
  type RunState,
  type RunUsage,
  type RunWrite,
} from '@millrace/protocol/runs';
import type { Hub, OutboxTransaction } from '@millrace/server';
import type { SqlTransaction } from '@millrace/server/postgres';
import { clipped } from './bounded.ts';
import type { RunRow } from './store/run-row.ts';
import type { Ended } from './store/run-store.ts';

export interface Outcome {
  readonly status: FinalStatus;
  /** Safe to show. */
  readonly error: string | null;
}

/** What readers are told of an error, at most: an event is bounded. */
const MAX_ERROR = 2_000;

export function endedAs({ status, error }: Outcome, state: RunState): Ended {
  const at = state.parts.findLastIndex((part) => part.type === 'step');
  const step = state.parts[at];
  const finishReason = step?.type === 'step' ? step.finishReason : null;
  const isOpen = step !== undefined && finishReason === null;
  return {
    ...{ status, finishReason },
    error:
      error === null ? null : clipped(error.replaceAll('\0', '\uFFFD').toWellFormed(), MAX_ERROR),
    usage: isOpen ? withEstimate(state.usage, state.parts.slice(at)) : state.usage,
    partial: status === 'completed' ? null : (JSON.parse(JSON.stringify(state.parts)) as Json),
  };
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

/** A step that was broken off sends no bill: some four characters are a token. */
function withEstimate(usage: RunUsage, parts: readonly RunPart[]): RunUsage {
  const characters = parts.reduce((sum, part) => {
    if (part.type === 'text' || part.type === 'reasoning') return sum + part.text.length;
    return part.type === 'tool' ? sum + part.inputText.length : sum;
  }, 0);
  return {
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens + Math.ceil(characters / 4),
    isEstimated: true,
  };
}
