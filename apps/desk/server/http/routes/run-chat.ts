// Spec E1: a chat about one trading run for a native `EventSource`, for `curl`, and without any stream. A GET may start an
// answer (may-start.ts says when); whoever comes back, by `Last-Event-ID` or with the same ticket, reads on.

import { readPlainEventId, readToEnd, servePlainRun } from '@millrace/ai';
import { MillraceError } from '@millrace/protocol';
import { textOfRun } from '@millrace/protocol/runs';
import * as z from 'zod';
import type { ChatMessagesAnswer, TicketAnswer } from '../../../shared/chat-api.ts';
import { asUser } from '../../database/as-user.ts';
import { listMessages } from '../../run-chat/message-rows.ts';
import { parseQuestion } from '../../run-chat/question.ts';
import { newestSession } from '../../run-chat/session-rows.ts';
import { suggestedRules } from '../../run-chat/suggested-rules.ts';
import { requireRun } from '../../run-chat/trading-run.ts';
import { askerOf } from '../asker.ts';
import { mayStart } from '../may-start.ts';
import { streamAnswer } from '../raw-answer.ts';
import { readJson } from '../read-query.ts';
import type { AddRoute, DeskContext } from '../routes.ts';
import type { Services } from '../services.ts';
import { questionText, textOfQuestion } from '../ui-body.ts';
import { startKey } from './chat-sessions.ts';

interface Place {
  readonly userId: string;
  readonly modelId: string;
  readonly runId: string;
}

/** Before proxies give up on a request that says nothing. */
const WAITS_MS = 50_000;

const messageSchema = z.object({ message: questionText });
const stopSchema = z.object({ runId: z.string().min(1).max(100).optional() });

export function addRunChatRoutes(
  add: AddRoute,
  services: Pick<Services, 'sql' | 'users' | 'runChat' | 'tickets' | 'hub' | 'log' | 'settings'>,
): void {
  const { sql, users, runChat, tickets, hub, log, settings } = services;

  /** Before any stream: what is foreign is not there. */
  async function placeOf(c: DeskContext): Promise<Place> {
    const { id: userId } = await askerOf(c, users);
    const { modelId = '', runId = '' } = c.req.param();
    const ticket = c.get('ticket');
    const run = await asUser(sql, userId, (tx) => requireRun(tx, modelId, runId));
    if (ticket === null) return { userId, modelId, runId: run.id };
    const isFor = ticket.modelId === modelId && (runId === 'latest' || ticket.runId === run.id);
    if (!isFor) throw new MillraceError('auth/invalid', 'The ticket is for another run.');
    return { userId, modelId, runId: ticket.runId };
  }

  function serve(c: DeskContext, aiRunId: string, lastEventId?: string): Promise<Response> {
    return streamAnswer(c, { log, aiRunId }, (response) =>
      servePlainRun(hub, response, { runId: aiRunId, lastEventId }),
    );
  }

  /** For who comes back: the answer that its id names, if it is one about this run. Null for an id that is none of ours. */
  async function cameBack(c: DeskContext, place: Place): Promise<Response | null> {
    const lastEventId = c.req.header('last-event-id');
    if (lastEventId === undefined || lastEventId === '') return null;
    const known = readPlainEventId(lastEventId);
    if (known === null) return joinActive(c, place);
    const run = await runChat.requireRun(place.userId, known.runId);
    const question = parseQuestion(run.question);
    if (question.kind !== 'chat' || question.runId !== place.runId) {
      throw new MillraceError('request/not-found', 'There is no such answer about this run.');
    }
    return serve(c, run.id, lastEventId);
  }

  /** The answer under way in the newest chat about this; to that very question, where one is named. */
  async function activeId(place: Place, text?: string): Promise<string | null> {
    const session = await asUser(sql, place.userId, (tx) => newestSession(tx, place));
    const run = session === null ? null : await runChat.runs.active(session.id);
    if (run === null) return null;
    const question = parseQuestion(run.question);
    const isOther = text !== undefined && (question.kind !== 'chat' || question.text !== text);
    return isOther ? null : run.id;
  }

  async function joinActive(c: DeskContext, place: Place): Promise<Response> {
    const aiRunId = await activeId(place);
    return aiRunId === null ? c.body(null, 204) : serve(c, aiRunId);
  }

  async function start(place: Place, text: string, key: string | undefined): Promise<string> {
    const { userId } = place;
    const { id: sessionId } = await runChat.sessionAbout(userId, place);
    const { run } = await runChat.ask({ userId, sessionId, text, key, overlap: 'queue' });
    return run.id;
  }

  const keyOf = (c: DeskContext): string | undefined => {
    const given = c.req.header('idempotency-key');
    if (given === undefined) return undefined;
    const key = startKey.safeParse(given);
    if (key.success) return key.data;
    throw new MillraceError('request/invalid', 'An Idempotency-Key has 1 to 150 characters.');
  };

  add('GET /api/models/:modelId/runs/:runId/chat-stream', async (c) => {
    const place = await placeOf(c);
    const ticket = c.get('ticket');
    const back = await cameBack(c, place);
    if (back !== null) return back;
    if (ticket !== null && ticket.aiRunId !== null) return serve(c, ticket.aiRunId);
    const message = c.req.query('message');
    if (message === undefined) return joinActive(c, place);
    const text = textOfQuestion(message);
    const active = await activeId(place, text);
    if (active !== null) {
      // Joined is as good as started: behind its end the ticket must not ask the same once more.
      if (ticket !== null) await tickets.bind(ticket, active);
      return serve(c, active);
    }
    const { isProduction } = settings;
    const { headers } = c.env.incoming;
    if (!mayStart({ headers, hasTicket: ticket !== null, isProduction })) {
      throw new MillraceError(
        'auth/denied',
        'A GET starts an answer only for a page of this server, with a ticket (POST …/chat-ticket) or a token.',
      );
    }
    const key = ticket === null ? undefined : `ticket:${ticket.hash}`;
    const aiRunId = await start(place, text, key);
    if (ticket !== null) await tickets.bind(ticket, aiRunId);
    return serve(c, aiRunId);
  });

  add('POST /api/models/:modelId/runs/:runId/chat-stream', async (c) => {
    const place = await placeOf(c);
    const back = await cameBack(c, place);
    if (back !== null) return back;
    const { message } = await readJson(c, messageSchema);
    return serve(c, await start(place, message, keyOf(c)));
  });

  add('POST /api/models/:modelId/runs/:runId/chat', async (c) => {
    const place = await placeOf(c);
    const { message } = await readJson(c, messageSchema);
    const aiRunId = await start(place, message, keyOf(c));
    const left = new AbortController();
    c.env.outgoing.once('close', () => left.abort());
    const signal = AbortSignal.any([left.signal, AbortSignal.timeout(WAITS_MS)]);
    const state = await readToEnd(hub, aiRunId, signal);
    if (state === null) return c.json({ runId: aiRunId, status: 'running' }, 202);
    if (state.status === 'failed' || state.status === 'interrupted') {
      throw new MillraceError('run/failed', state.error ?? 'The answer failed.', {
        details: { runId: aiRunId, status: state.status },
      });
    }
    return c.json({
      response: textOfRun(state),
      suggested_rules: suggestedRules(state.parts),
      ...{ runId: aiRunId, messageId: state.messageId, status: state.status },
    });
  });

  add('POST /api/models/:modelId/runs/:runId/chat-stop', async (c) => {
    const place = await placeOf(c);
    const { runId: aiRunId } = await readJson(c, stopSchema);
    const session = await asUser(sql, place.userId, (tx) => newestSession(tx, place));
    if (aiRunId === undefined && session === null) return c.json({ stopped: false });
    const { userId } = place;
    return c.json({
      stopped: await runChat.stop({ userId, session, aiRunId, about: place.runId }),
    });
  });

  add('GET /api/models/:modelId/runs/:runId/chat-history', async (c) => {
    const place = await placeOf(c);
    const messages = await asUser(sql, place.userId, async (tx) => {
      const session = await newestSession(tx, place);
      return session === null ? [] : listMessages(tx, session.id);
    });
    c.header('Cache-Control', 'no-store');
    return c.json({ messages } satisfies ChatMessagesAnswer);
  });

  add('POST /api/models/:modelId/runs/:runId/chat-ticket', async (c) => {
    const answer: TicketAnswer = await tickets.create(await placeOf(c));
    c.header('Cache-Control', 'no-store');
    return c.json(answer, 201);
  });
}
