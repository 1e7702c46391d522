// Chat sessions as rows: each is one conversation of one user, about a model and a run of it, or about none. All
// statements run as that user (database/as-user.ts).

import { MillraceError } from '@millrace/protocol';
import type { SqlTransaction } from '@millrace/server/postgres';
import type { ChatSession } from '../../shared/chat-api.ts';
import { queries } from '../database/queries.ts';

export interface Subject {
  readonly modelId: string | null;
  readonly runId: string | null;
}

const COLUMNS = ['id', 'model_id', 'run_id', 'session_title', 'created_at'] as const;
const MOST_LISTED = 200;
const TITLE_LENGTH = 80;
export const SESSION_ID: RegExp = /^[A-Za-z0-9_-]{16,64}$/;

export async function findSession(tx: SqlTransaction, id: string): Promise<ChatSession | null> {
  if (!SESSION_ID.test(id)) return null;
  const row = await queries(tx)
    .selectFrom('chat_sessions')
    .select(COLUMNS)
    .where('id', '=', id)
    .executeTakeFirst();
  return row === undefined ? null : toSession(row);
}

/** @throws MillraceError `request/not-found` */
export async function requireSession(tx: SqlTransaction, id: string): Promise<ChatSession> {
  const session = await findSession(tx, id);
  if (session === null) throw noSession();
  return session;
}

/** The newest one about that. */
export async function newestSession(
  tx: SqlTransaction,
  { modelId, runId }: Subject,
): Promise<ChatSession | null> {
  const row = await queries(tx)
    .selectFrom('chat_sessions')
    .select(COLUMNS)
    .where('model_id', modelId === null ? 'is' : '=', modelId)
    .where('run_id', runId === null ? 'is' : '=', runId)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : toSession(row);
}

/** Newest first. */
export async function listSessions(
  tx: SqlTransaction,
  {
    modelId,
    runId,
  }: { readonly modelId?: string | undefined; readonly runId?: string | undefined },
): Promise<readonly ChatSession[]> {
  let rows = queries(tx).selectFrom('chat_sessions').select(COLUMNS);
  if (modelId !== undefined) rows = rows.where('model_id', '=', modelId);
  if (runId !== undefined) rows = rows.where('run_id', '=', runId);
  const found = await rows.orderBy('number', 'desc').limit(MOST_LISTED).execute();
  return found.map(toSession);
}

/** @throws MillraceError `request/not-found` where somebody else has this id */
export async function insertSession(
  tx: SqlTransaction,
  session: Subject & { readonly id: string; readonly userId: string; readonly title: string },
): Promise<ChatSession> {
  const { id, userId, modelId, runId, title } = session;
  const row = await queries(tx)
    .insertInto('chat_sessions')
    .values({
      ...{ id, user_id: userId, model_id: modelId, run_id: runId },
      session_title: titleOf(title),
    })
    .onConflict((on) => on.column('id').doNothing())
    .returning(COLUMNS)
    .executeTakeFirst();
  // Their own one, made by the same request twice, or one that they may not know of.
  return row === undefined ? requireSession(tx, id) : toSession(row);
}

/** Null where there is none. */
export async function renameSession(
  tx: SqlTransaction,
  id: string,
  title: string,
): Promise<ChatSession | null> {
  const row = await queries(tx)
    .updateTable('chat_sessions')
    .set({ session_title: titleOf(title) })
    .where('id', '=', id)
    .returning(COLUMNS)
    .executeTakeFirst();
  return row === undefined ? null : toSession(row);
}

export async function deleteSession(tx: SqlTransaction, id: string): Promise<void> {
  await queries(tx).deleteFrom('chat_sessions').where('id', '=', id).execute();
}

/** Whoever writes a message holds its session until the commit: one after the other gets a number. Null where it is gone. */
export async function lockSession(tx: SqlTransaction, id: string): Promise<ChatSession | null> {
  const row = await queries(tx)
    .selectFrom('chat_sessions')
    .select(COLUMNS)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
  return row === undefined ? null : toSession(row);
}

export function noSession(): MillraceError {
  return new MillraceError('request/not-found', 'There is no such chat.');
}

function titleOf(text: string): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .toWellFormed();
  if (line.length <= TITLE_LENGTH) return line;
  return `${line.slice(0, TITLE_LENGTH - 1).toWellFormed()}…`;
}

function toSession(row: {
  readonly id: string;
  readonly model_id: string | null;
  readonly run_id: string | null;
  readonly session_title: string;
  readonly created_at: Date;
}): ChatSession {
  return {
    id: row.id,
    modelId: row.model_id,
    runId: row.run_id,
    title: row.session_title,
    createdAt: row.created_at.toISOString(),
  };
}
