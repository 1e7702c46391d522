// The AI SDK's `useChat` and AG-UI's `HttpAgent`, unmodified: start by POST, whose body is the first viewer; `useChat`
// resumes by GET. (Its WebSocket is chat-socket.ts.)

import { type AgUiVersion, readAgUiInput, serveAgUi, serveUiStream } from '@millrace/ai';
import { MillraceError } from '@millrace/protocol';
import * as z from 'zod';
import { askerOf } from '../asker.ts';
import { streamAnswer } from '../raw-answer.ts';
import { readJson } from '../read-query.ts';
import type { AddRoute, DeskContext } from '../routes.ts';
import type { Services } from '../services.ts';
import { askedBy, textOfQuestion, uiBody } from '../ui-body.ts';

export function addUiChatRoutes(
  add: AddRoute,
  services: Pick<Services, 'users' | 'uiAsking' | 'hub' | 'log'>,
): void {
  const { users, uiAsking, hub, log } = services;

  function serve(c: DeskContext, runId: string): Promise<Response> {
    // Newer chunks only where the page says that it knows them: an unknown one ends an older SDK's stream.
    const version = c.req.header('x-ai-sdk-version')?.startsWith('7') === true ? 7 : 6;
    return streamAnswer(c, { log, aiRunId: runId }, (response) =>
      serveUiStream(hub, response, { runId, version }),
    );
  }

  add('POST /api/chat', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const run = await uiAsking.start(userId, askedBy(await readJson(c, uiBody)));
    return serve(c, run.id);
  });

  add('GET /api/chat/:id/stream', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const run = await uiAsking.active(userId, c.req.param('id') ?? '');
    return run === null ? c.body(null, 204) : serve(c, run.id);
  });

  add('GET /api/chat/ws', () => {
    const message = 'This is a WebSocket: open it as one, ws:// or wss://.';
    throw new MillraceError('request/invalid', message);
  });

  add('POST /api/agui', async (c) => {
    const { id: userId } = await askerOf(c, users);
    const body = await readJson(c, z.looseObject({ protocolVersion: z.unknown().optional() }));
    const { threadId, runId: clientRunId, messages } = readAgUiInput(body);
    const last = messages.at(-1);
    if (last?.role !== 'user') {
      throw new MillraceError(
        'request/invalid',
        'The last message must be a question of the user.',
      );
    }
    const { content } = last;
    const text =
      typeof content === 'string'
        ? content
        : content.map((part) => (part.type === 'text' ? part.text : '')).join('');
    const run = await uiAsking.start(userId, {
      ...{ chatId: threadId, modelId: c.req.query('modelId'), runId: c.req.query('runId') },
      does: {
        ...{ is: 'ask', messageId: last.id, text: textOfQuestion(text), replaces: false },
        key: `agui:${clientRunId}`.slice(0, 200),
      },
    });
    // Clients before 1.0 say no version.
    const version: AgUiVersion = body.protocolVersion === undefined ? 0 : 1;
    return streamAnswer(c, { log, aiRunId: run.id }, (response) =>
      serveAgUi(hub, response, { runId: run.id, threadId, clientRunId, version }),
    );
  });
}
