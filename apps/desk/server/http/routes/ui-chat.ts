// The AI SDK's `useChat`, unmodified: start by POST, whose body is the first viewer; resume by GET. What a page posts of
// the past is not believed: the stored conversation is, and of the posted one only the last question counts.

import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { serveUiStream } from '@millrace/ai';
import { MillraceError } from '@millrace/protocol';
import * as z from 'zod';
import type { ChatSession } from '../../../shared/chat-api.ts';
import { asUser } from '../../database/as-user.ts';
import { findQuestion } from '../../run-chat/message-rows.ts';
import {
  findSession,
  insertSession,
  requireSession,
  SESSION_ID,
} from '../../run-chat/session-rows.ts';
import { askerOf } from '../asker.ts';
import { takeResponse } from '../raw-answer.ts';
import { readJson } from '../read-query.ts';
import type { AddRoute, DeskContext } from '../routes.ts';
import type { Services } from '../services.ts';
import { questionText, subjectOf } from './chat-sessions.ts';

const uiMessage = z.looseObject({
  id: z.string().min(1).max(100),
  role: z.string(),
  parts: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
});

const bodySchema = z.looseObject({
  id: z.string().regex(SESSION_ID),
  messages: z.array(uiMessage).max(5_000).optional(),
  /** What many pages send in place of all messages. */
  message: uiMessage.optional(),
  trigger: z.enum(['submit-message', 'regenerate-message']).optional(),
  messageId: z.string().min(1).max(100).nullish(),
  modelId: z.string().min(1).max(100).nullish(),
  runId: z.string().min(1).max(100).nullish(),
});

type Body = z.output<typeof bodySchema>;

/** Who opens a chat just when its answer ends has not read its message yet. */
const GRACE_MS = 60_000;

export function addUiChatRoutes(
  add: AddRoute,
  services: Pick<Services, 'sql' | 'users' | 'runChat' | 'hub' | 'log'>,
): void {
  const { sql, users, runChat, hub, log } = services;

  async function serve(c: DeskContext, runId: string): Promise<Response> {
    const response = takeResponse(c);
    log.info({ tag: 'SSE', aiRunId: runId }, 'answer watched');
    // Newer chunks only where the page says that it knows them: an unknown one ends an older SDK's stream.
    const version = c.req.header('x-ai-sdk-version')?.startsWith('7') === true ? 7 : 6;
    await serveUiStream(hub, response, { runId, version });
    return RESPONSE_ALREADY_SENT;
  }

  /** Theirs, or a new one about what the body says. */
  function sessionFor(userId: string, body: Body): Promise<ChatSession> {
    return asUser(sql, userId, async (tx) => {
      const known = await findSession(tx, body.id);
      if (known !== null) return known;
      const subject = await subjectOf(tx, body.modelId ?? null, body.runId ?? null);
      return insertSession(tx, { id: body.id, userId, ...subject, title: '' });
    });
  }

  add('POST /api/chat', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const body = await readJson(c, bodySchema);
    const session = await sessionFor(userId, body);
    if (body.trigger === 'regenerate-message') {
      const messageId = body.messageId ?? undefined;
      return serve(c, (await runChat.retry({ userId, session, messageId })).run.id);
    }
    const { id: messageId, text } = questionOf(body);
    // The SDK names a message where one is to be replaced; it keeps its id.
    const isEdited =
      typeof body.messageId === 'string' &&
      (await asUser(sql, userId, (tx) => findQuestion(tx, session.id, { messageId }))) !== null;
    const how = isEdited
      ? ({ replaces: messageId, overlap: 'interrupt' } as const)
      : ({ key: messageId, overlap: 'queue' } as const);
    const { run } = await runChat.ask({ userId, session, text, messageId, ...how });
    return serve(c, run.id);
  });

  add('GET /api/chat/:id/stream', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const sessionId = c.req.param('id') ?? '';
    const session = await asUser(sql, userId, (tx) => requireSession(tx, sessionId));
    const run = await runChat.runs.active(session.id, { graceMs: GRACE_MS });
    return run === null ? c.body(null, 204) : serve(c, run.id);
  });
}

function questionOf(body: Body): { readonly id: string; readonly text: string } {
  const last = body.message ?? body.messages?.at(-1);
  if (last?.role !== 'user') {
    throw new MillraceError('request/invalid', 'The last message must be a question of the user.');
  }
  const text = last.parts.map((part) => (part.type === 'text' ? (part.text ?? '') : '')).join('');
  const parsed = questionText.safeParse(text);
  if (parsed.success) return { id: last.id, text: parsed.data };
  throw new MillraceError('request/invalid', 'The question must have 1 to 10000 characters.');
}
