// A row of `millrace.ai_runs` as the rest of the package has it, and back out of whatever a driver makes of its columns.

import type { FinishReason, Json, RunStatus, RunUsage } from '@millrace/protocol/runs';
import type { SqlRow } from '@millrace/server/postgres';

export interface RunRow {
  readonly id: string;
  readonly conversationId: string;
  readonly userId: string;
  readonly messageId: string;
  /** The run for whose question, and in whose message's place, this one answers; null for a new question. */
  readonly retryOf: string | null;
  /** Whether its message begins with what that one had said. */
  readonly isContinuation: boolean;
  readonly status: RunStatus;
  /** Of the model, as they were at the start. */
  readonly settings: Json;
  readonly question: Json;
  readonly owner: string | null;
  readonly fence: number;
  /** So many owners died of it. */
  readonly deaths: number;
  readonly stoppedBy: string | null;
  readonly finishReason: FinishReason | null;
  /** While it is under way, as of its owner's last beat. */
  readonly usage: RunUsage;
  readonly error: string | null;
}

/** What its owner hears of a run at each beat: not what it knows, the question of all that it works on. */
export type KeptRun = Pick<RunRow, 'id' | 'userId' | 'status' | 'stoppedBy' | 'usage'>;

/** Large numbers as text, so that they read alike through every driver and its parsers. */
export const KEPT_COLUMNS =
  'id, user_id, status, stopped_by, input_tokens::text as input_tokens, output_tokens::text as output_tokens, is_estimated';

export const COLUMNS: string = `${KEPT_COLUMNS}, conversation_id, message_id, retry_of, prefix is not null as is_continuation, settings, question, owner, fence, deaths, finish_reason, error`;

export function readKept(row: SqlRow): KeptRun {
  return {
    id: String(row['id']),
    userId: String(row['user_id']),
    status: row['status'] as RunStatus,
    stoppedBy: textOrNull(row['stopped_by']),
    usage: {
      inputTokens: Number(row['input_tokens']),
      outputTokens: Number(row['output_tokens']),
      isEstimated: row['is_estimated'] === true,
    },
  };
}

export function readRun(row: SqlRow): RunRow {
  return {
    ...readKept(row),
    conversationId: String(row['conversation_id']),
    messageId: String(row['message_id']),
    retryOf: textOrNull(row['retry_of']),
    isContinuation: row['is_continuation'] === true,
    settings: JSON.parse(String(row['settings'])) as Json,
    question: JSON.parse(String(row['question'])) as Json,
    owner: textOrNull(row['owner']),
    fence: Number(row['fence']),
    deaths: Number(row['deaths']),
    finishReason: textOrNull(row['finish_reason']) as FinishReason | null,
    error: textOrNull(row['error']),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
