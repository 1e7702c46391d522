// A user's chats, as the hooks and pages of Millrace use them: sessions, messages, and an answer's start, stop and retry.
// What is said meanwhile is read from channels (`conversation:<id>`, `ai_run:<runId>`).

import type { Started } from '@millrace/ai';
import { MillraceError } from '@millrace/protocol';
import * as z from 'zod';
import type {
  ChatMessagesAnswer,
  ChatRunAnswer,
  ChatSession,
  ChatSessionsAnswer,
} from '../../../shared/chat-api.ts';
import { asUser } from '../../database/as-user.ts';
import { listMessages } from '../../run-chat/message-rows.ts';
import {
  insertSession,
  listSessions,
  noSession,
  renameSession,
  requireSession,
} from '../../run-chat/session-rows.ts';
import { requireRun, subjectOf } from '../../run-chat/trading-run.ts';
import { uuidv7 } from '../../uuid.ts';
import { askerOf } from '../asker.ts';
import { readJson } from '../read-query.ts';
import type { AddRoute, DeskContext } from '../routes.ts';
import type { Services } from '../services.ts';
import { questionText } from '../ui-body.ts';

export const startKey: z.ZodType<string> = z.string().min(1).max(150);
const title = z.string().trim().min(1).max(200);
const id = z.string().min(1).max(100);

const createSchema = z.object({
  modelId: id.nullish(),
  runId: id.nullish(),
  title: z.string().trim().max(200).optional(),
});
const renameSchema = z.object({ title });
const runSchema = z.object({
  text: questionText,
  key: startKey.optional(),
  messageId: id.optional(),
  overlap: z.enum(['reject', 'queue', 'interrupt']).optional(),
});
const stopSchema = z.object({ runId: id.optional(), messageId: id.optional() });
const retrySchema = z.object({
  runId: id.optional(),
  key: startKey.optional(),
  continues: z.boolean().optional(),
});

export function addChatSessionRoutes(
  add: AddRoute,
  { sql, users, runChat }: Pick<Services, 'sql' | 'users' | 'runChat'>,
): void {
  /** The session of the path, and whose it is. */
  async function sessionOf(c: DeskContext): Promise<{ userId: string; session: ChatSession }> {
    const { id: userId } = await askerOf(c, users);
    const sessionId = c.req.param('id') ?? '';
    const session = await asUser(sql, userId, (tx) => requireSession(tx, sessionId));
    return { userId, session };
  }

  add('GET /api/chat/sessions', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const subject = { modelId: c.req.query('modelId'), runId: c.req.query('runId') };
    const { modelId } = subject;
    const sessions = await asUser(sql, userId, async (tx) => {
      if (subject.runId === undefined) return listSessions(tx, { modelId });
      if (modelId === undefined) {
        throw new MillraceError('request/invalid', 'A runId needs its modelId.');
      }
      const { id: runId } = await requireRun(tx, modelId, subject.runId);
      return listSessions(tx, { modelId, runId });
    });
    return c.json({ sessions } satisfies ChatSessionsAnswer);
  });

  add('POST /api/chat/sessions', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const { modelId = null, runId = null, title: given = '' } = await readJson(c, createSchema);
    const session = await asUser(sql, userId, async (tx) => {
      const subject = await subjectOf(tx, modelId, runId);
      return insertSession(tx, { id: uuidv7(), userId, ...subject, title: given });
    });
    return c.json(session satisfies ChatSession, 201);
  });

  add('PATCH /api/chat/sessions/:id', async (c) => {
    const { userId, session } = await sessionOf(c);
    const change = await readJson(c, renameSchema);
    const renamed = await asUser(sql, userId, (tx) => renameSession(tx, session.id, change.title));
    if (renamed === null) throw noSession();
    return c.json(renamed satisfies ChatSession);
  });

  add('DELETE /api/chat/sessions/:id', async (c) => {
    const { userId, session } = await sessionOf(c);
    await runChat.erase(userId, session.id);
    return c.body(null, 204);
  });

  add('GET /api/chat/:id/messages', async (c) => {
    const { userId, session } = await sessionOf(c);
    const messages = await asUser(sql, userId, (tx) => listMessages(tx, session.id));
    c.header('Cache-Control', 'no-store');
    return c.json({ messages } satisfies ChatMessagesAnswer);
  });

  add('POST /api/chat/:id/runs', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const asked = await readJson(c, runSchema);
    const sessionId = c.req.param('id') ?? '';
    return c.json(answerOf(await runChat.ask({ userId, sessionId, ...asked })), 202);
  });

  add('POST /api/chat/:id/retry', async (c) => {
    const { userId, session } = await sessionOf(c);
    const { runId: aiRunId, ...how } = await readJson(c, retrySchema);
    return c.json(answerOf(await runChat.retry({ userId, session, aiRunId, ...how })), 202);
  });

  add('POST /api/chat/:id/stop', async (c) => {
    const { userId, session } = await sessionOf(c);
    const { runId, messageId } = await readJson(c, stopSchema);
    const isStopped = await runChat.stop({ userId, session, aiRunId: runId, messageId });
    return c.json({ stopped: isStopped });
  });
}

function answerOf({ run }: Started): ChatRunAnswer {
  const { id: runId, messageId, conversationId } = run;
  return { runId, messageId, conversationId };
}
