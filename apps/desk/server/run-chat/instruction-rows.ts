// Instructions that a user has agreed to keep on a model: they apply to their later chats about it, until they remove
// them. All statements run as that user.

import { MillraceError } from '@millrace/protocol';
import type { SqlTransaction } from '@millrace/server/postgres';
import type { ModelInstruction } from '../../shared/chat-api.ts';
import { queries } from '../database/queries.ts';
import { uuidv7 } from '../uuid.ts';

/** Of a model. */
export const MOST_INSTRUCTIONS = 50;
const COLUMNS = [
  ...(['id', 'text', 'source_session_id', 'source_message_id', 'created_at'] as const),
];

/** Oldest first. */
export async function listInstructions(
  tx: SqlTransaction,
  modelId: string,
): Promise<readonly ModelInstruction[]> {
  const rows = await queries(tx)
    .selectFrom('model_instructions')
    .select(COLUMNS)
    .where('model_id', '=', modelId)
    .orderBy('number')
    .limit(MOST_INSTRUCTIONS)
    .execute();
  return rows.map(toInstruction);
}

/** @throws MillraceError `request/invalid` where there are too many */
export async function insertInstruction(
  tx: SqlTransaction,
  kept: {
    readonly userId: string;
    readonly modelId: string;
    readonly text: string;
    readonly sessionId: string | null;
    readonly messageId: string | null;
  },
): Promise<ModelInstruction> {
  const { userId, modelId, text, sessionId, messageId } = kept;
  if ((await listInstructions(tx, modelId)).length >= MOST_INSTRUCTIONS) {
    throw new MillraceError(
      'request/invalid',
      `A model keeps ${MOST_INSTRUCTIONS} instructions at most. Remove one first.`,
    );
  }
  const row = await queries(tx)
    .insertInto('model_instructions')
    .values({
      ...{ id: uuidv7(), user_id: userId, model_id: modelId, text },
      ...{ source_session_id: sessionId, source_message_id: messageId },
    })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
  return toInstruction(row);
}

/** False where there is none. */
export async function deleteInstruction(
  tx: SqlTransaction,
  modelId: string,
  id: string,
): Promise<boolean> {
  const row = await queries(tx)
    .deleteFrom('model_instructions')
    .where('model_id', '=', modelId)
    .where('id', '=', id)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

function toInstruction(row: {
  readonly id: string;
  readonly text: string;
  readonly source_session_id: string | null;
  readonly source_message_id: string | null;
  readonly created_at: Date;
}): ModelInstruction {
  return {
    ...{ id: row.id, text: row.text },
    sessionId: row.source_session_id,
    messageId: row.source_message_id,
    createdAt: row.created_at.toISOString(),
  };
}
