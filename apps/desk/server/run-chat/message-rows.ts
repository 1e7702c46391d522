// A session's messages as rows, ordered by a number that its writers get one after the other. An answer has all of its
// parts, tools with input and result: the audit trail. All statements run as the session's user.

import type { RunPart, RunUsage } from '@millrace/protocol/runs';
import type { SqlTransaction } from '@millrace/server/postgres';
import { sql } from 'kysely';
import type { ChatMessage } from '../../shared/chat-api.ts';
import { queries } from '../database/queries.ts';

export interface NewMessage {
  readonly sessionId: string;
  readonly userId: string;
  readonly id: string;
  readonly role: ChatMessage['role'];
  readonly status: ChatMessage['status'];
  readonly parts: readonly RunPart[];
  readonly text: string;
  readonly aiRunId: string;
  readonly aiModel?: string | null;
  readonly usage?: RunUsage;
}

/** What was said before a question. */
export interface Said {
  readonly role: ChatMessage['role'];
  readonly text: string;
}

const MOST_LISTED = 1_000;

/** While its session is locked. False where one of this id stands already: that stays as it is. */
export async function insertMessage(tx: SqlTransaction, message: NewMessage): Promise<boolean> {
  const { sessionId, userId, id, role, status, parts, aiRunId, aiModel = null, usage } = message;
  const row = await queries(tx)
    .insertInto('chat_messages')
    .values((with_) => ({
      ...{ session_id: sessionId, user_id: userId, id, role, status },
      sequence: with_
        .selectFrom('chat_messages')
        .select(sql<number>`coalesce(max(sequence), 0) + 1`.as('next'))
        .where('session_id', '=', sessionId),
      parts: JSON.stringify(parts),
      text: storable(message.text),
      ...{ ai_run_id: aiRunId, ai_model: aiModel },
      usage: usage === undefined ? null : JSON.stringify(usage),
    }))
    .onConflict((on) => on.columns(['session_id', 'id']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Oldest first. */
export async function listMessages(
  tx: SqlTransaction,
  sessionId: string,
): Promise<readonly ChatMessage[]> {
  const rows = await queries(tx)
    .selectFrom('chat_messages')
    .select(['id', 'role', 'parts', 'text', 'status', 'ai_run_id', 'created_at', 'sequence'])
    .where('session_id', '=', sessionId)
    .where('status', '<>', 'replaced')
    .orderBy('sequence', 'desc')
    .limit(MOST_LISTED)
    .execute();
  return rows.reverse().map((row) => ({
    ...{ id: row.id, role: row.role, text: row.text, runId: row.ai_run_id },
    parts: row.parts as readonly RunPart[],
    status: row.status === 'stopped' ? 'stopped' : 'completed',
    createdAt: row.created_at.toISOString(),
    sequence: row.sequence,
  }));
}

/** The last `most` messages before the question of this AI run, oldest first: questions, each with its answer. */
export async function readContext(
  tx: SqlTransaction,
  { sessionId, aiRunId, most }: { sessionId: string; aiRunId: string; most: number },
): Promise<readonly Said[]> {
  // Answers by their questions: one that waited for its turn was asked before the answer ahead of it was there.
  const rows = await tx.query(
    `select said.role, said.text
      from desk.chat_messages asked
      join desk.chat_messages q on q.session_id = asked.session_id and q.role = 'user'
        and q.status <> 'replaced' and q.sequence < asked.sequence
      join desk.chat_messages said on said.session_id = q.session_id and said.ai_run_id = q.ai_run_id
        and said.status <> 'replaced'
      where asked.session_id = $1 and asked.ai_run_id = $2 and asked.role = 'user'
      order by q.sequence desc, said.role
      limit $3`,
    [sessionId, aiRunId, most],
  );
  return rows.toReversed().map((row) => ({
    role: row['role'] === 'user' ? 'user' : 'assistant',
    text: String(row['text']),
  }));
}

export interface AskedBefore {
  readonly id: string;
  readonly text: string;
  readonly aiRunId: string;
}

/** The question that a message (it itself, or its answer) belongs to; without an id the last one. */
export async function findQuestion(
  tx: SqlTransaction,
  sessionId: string,
  by: { readonly messageId?: string; readonly aiRunId?: string },
): Promise<AskedBefore | null> {
  const [row] = await tx.query(
    `select q.id, q.text, q.ai_run_id from desk.chat_messages q
      where q.session_id = $1 and q.role = 'user' and q.status <> 'replaced'
        and ($2::text is null or q.ai_run_id in (
          select m.ai_run_id from desk.chat_messages m
          where m.session_id = $1 and m.id = $2 and m.status <> 'replaced'))
        and ($3::text is null or q.ai_run_id = $3)
      order by q.sequence desc limit 1`,
    [sessionId, by.messageId ?? null, by.aiRunId ?? null],
  );
  if (row === undefined) return null;
  return { id: String(row['id']), text: String(row['text']), aiRunId: String(row['ai_run_id']) };
}

/** This message and all behind it. False where it is not there. */
export async function replaceFrom(
  tx: SqlTransaction,
  sessionId: string,
  messageId: string,
): Promise<boolean> {
  const rows = await tx.query(
    `update desk.chat_messages set status = 'replaced', id = sequence || '~' || left(id, 80)
      where session_id = $1 and status <> 'replaced' and sequence >= (
        select sequence from desk.chat_messages
        where session_id = $1 and id = $2 and role = 'user' and status <> 'replaced')
      returning 1`,
    [sessionId, messageId],
  );
  return rows.length > 0;
}

/** From now on the question is this run's to answer; what was answered before keeps standing until that is done. */
export async function giveQuestionTo(
  tx: SqlTransaction,
  sessionId: string,
  messageId: string,
  aiRunId: string,
): Promise<void> {
  await queries(tx)
    .updateTable('chat_messages')
    .set({ ai_run_id: aiRunId })
    .where('session_id', '=', sessionId)
    .where('id', '=', messageId)
    .where('role', '=', 'user')
    .execute();
}

export async function replaceAnswer(
  tx: SqlTransaction,
  sessionId: string,
  aiRunId: string,
): Promise<void> {
  await queries(tx)
    .updateTable('chat_messages')
    .set({ status: 'replaced' })
    .where('session_id', '=', sessionId)
    .where('ai_run_id', '=', aiRunId)
    .where('role', '=', 'assistant')
    .execute();
}

/** As PostgreSQL takes a text. */
function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
