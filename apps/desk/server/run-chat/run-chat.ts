// The AI of Desk: chats about trading runs, and requests of programs, each answered by an AI run that the server owns.
// Owns what may be asked of whom: a session or a run that is not the user's is not there. Refuses to own: HTTP, rows.

import {
  createRuns,
  type Overlap,
  type RunRow,
  type Runs,
  readToEnd,
  type Started,
} from '@millrace/ai';
import { MillraceError } from '@millrace/protocol';
import type { Hub } from '@millrace/server';
import type { SqlDatabase } from '@millrace/server/postgres';
import type { ChatSession } from '../../shared/chat-api.ts';
import { asUser } from '../database/as-user.ts';
import { answerInference } from '../inference/answer-inference.ts';
import { createInference, type Inference } from '../inference/inference.ts';
import type { Log } from '../log.ts';
import type { ModelAi } from '../model-ai/model-ai.ts';
import { describeAiError } from '../model-ai/provider-model.ts';
import { uuidv7 } from '../uuid.ts';
import type { Analyst } from './analyst.ts';
import { answerChat } from './answering.ts';
import { keepAnswer, keepQuestion } from './keeping.ts';
import { findQuestion } from './message-rows.ts';
import { type ChatQuestion, parseQuestion } from './question.ts';
import {
  deleteSession,
  insertSession,
  listSessions,
  newestSession,
  requireSession,
  type Subject,
} from './session-rows.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
/** For its owner to hear of it, and to write what was said so far. */
const STOPPED_WITHIN_MS = 10_000;

export interface RunChatOptions {
  readonly hub: Hub;
  readonly database: SqlDatabase;
  readonly ai: ModelAi;
  readonly analyst: Analyst;
  readonly contextMessages: number;
  readonly keepsStopped: boolean;
  /** AI_TOKENS_PER_DAY; 0 for no limit. */
  readonly tokensPerDay: number;
  /** OPENAI_MODEL_MAP. */
  readonly modelMap: ReadonlyMap<string, string>;
  readonly log: Log;
}

export interface Asking {
  readonly userId: string;
  readonly sessionId: string;
  readonly text: string;
  /** The question's, where its page has made one. */
  readonly messageId?: string | undefined;
  readonly key?: string | undefined;
  readonly overlap?: Overlap | undefined;
  /** A question that this one takes the place of. */
  readonly replaces?: string | undefined;
}

export interface RunChat {
  readonly runs: Runs;
  readonly inference: Inference;
  /**
   * @throws MillraceError `request/not-found` for a session that is not that user's, `request/conflict` where another run is
   * at work and `overlap` says so
   */
  ask(asking: Asking): Promise<Started>;
  /** Answers a question of theirs once more: that of a run, or the last one. */
  retry(of: {
    readonly userId: string;
    readonly session: ChatSession;
    readonly aiRunId?: string | undefined;
    readonly messageId?: string | undefined;
    readonly key?: string | undefined;
    /** Goes on with what was said until it stopped or failed, in place of beginning anew. */
    readonly continues?: boolean | undefined;
  }): Promise<Started>;
  /**
   * Stops one answer, or what the session has at work. False where nothing was.
   * @throws MillraceError `request/not-found` for an answer of another user, session or trading run
   */
  stop(of: {
    readonly userId: string;
    /** Null: in whichever chat of theirs. */
    readonly session: ChatSession | null;
    readonly aiRunId?: string | undefined;
    /** Only the answer that a page shows, and no later one. */
    readonly messageId?: string | undefined;
    /** The trading run that it must be about. */
    readonly about?: string | undefined;
  }): Promise<boolean>;
  /** @throws MillraceError `request/not-found` for one that is not that user's */
  requireRun(userId: string, aiRunId: string): Promise<RunRow>;
  /** What a key has started in this session; null for nothing. */
  startedUnder(sessionId: string, key: string): Promise<RunRow | null>;
  /** The newest session about this, or a new one: two requests at once get the same. */
  sessionAbout(userId: string, subject: Subject): Promise<ChatSession>;
  /** With all its messages, runs and channels. What is being answered is stopped first. */
  erase(userId: string, sessionId: string): Promise<void>;
  /** The same with all chats of theirs about a model, which is about to go. */
  eraseAbout(userId: string, modelId: string): Promise<void>;
  /** Whether they may read this channel. */
  mayRead(
    userId: string,
    channel: { readonly type: string; readonly id: string },
  ): Promise<boolean>;
  close(): Promise<void>;
}

export async function createRunChat(options: RunChatOptions): Promise<RunChat> {
  const { hub, database, ai, log } = options;
  const inference = createInference({ database, runs: () => runs, log });
  const runs = await createRuns({
    ...{ hub, database },
    describeError: describeAiError,
    budget:
      options.tokensPerDay === 0 ? null : { tokensPerUser: options.tokensPerDay, windowMs: DAY_MS },
    async onAccept(tx, run) {
      const question = parseQuestion(run.question);
      if (question.kind === 'inference') await inference.keep(tx, run, question);
      else await keepQuestion(tx, run, question);
      const { id: aiRunId, userId, conversationId } = run;
      const facts = { aiRunId, userId, conversationId, kind: question.kind };
      log.info({ tag: 'chat', ...facts }, 'question accepted');
    },
    async onEnd(tx, run, state) {
      const question = parseQuestion(run.question);
      if (question.kind === 'chat') await keepAnswer(tx, run, question, state, options);
      const { id: aiRunId, userId, status, usage, error } = run;
      const tools = state.parts.flatMap((part) => (part.type === 'tool' ? [part.name] : []));
      const facts = { aiRunId, userId, status, model: state.model, tools, ...usage };
      log.info({ tag: 'chat', ...facts, ...(error === null ? {} : { error }) }, 'answer ended');
    },
    answer(run) {
      const question = parseQuestion(run.question);
      return question.kind === 'chat'
        ? answerChat(run, question, options)
        : answerInference(run, question, options);
    },
    onError: (err) => log.error({ tag: 'chat', err }, 'an AI run has trouble'),
  });

  async function requireRun(userId: string, aiRunId: string): Promise<RunRow> {
    const run = await runs.read(aiRunId);
    if (run === null || run.userId !== userId) {
      throw new MillraceError('request/not-found', 'There is no such answer.');
    }
    return run;
  }

  async function stopAll(conversationId: string, by: string): Promise<void> {
    const rows = await database.query(
      `select id from millrace.ai_runs
        where conversation_id = $1 and status in ('queued', 'running', 'stopping') order by number`,
      [conversationId],
    );
    for (const { id } of rows) await runs.stop(String(id), by);
    const isLate = AbortSignal.timeout(STOPPED_WITHIN_MS);
    for (const { id } of rows) await readToEnd(hub, String(id), isLate);
  }

  async function erase(userId: string, sessionId: string): Promise<void> {
    await asUser(database, userId, async (tx) => {
      await requireSession(tx, sessionId);
      // From here on nothing is kept of it: an answer finds no session (keeping.ts).
      await deleteSession(tx, sessionId);
    });
    await stopAll(sessionId, userId);
    await runs.forget(sessionId);
    log.info({ tag: 'chat', userId, conversationId: sessionId }, 'chat deleted');
  }

  return {
    runs,
    inference,
    erase,
    async eraseAbout(userId, modelId) {
      const next = () => asUser(database, userId, (tx) => listSessions(tx, { modelId }));
      // A list has its limit; each round leaves fewer.
      for (let some = await next(); some.length > 0; some = await next()) {
        for (const { id } of some) await erase(userId, id);
      }
    },
    requireRun,
    async ask({ userId, sessionId, text, messageId = uuidv7(), key, overlap, replaces = null }) {
      const { session, settings } = await asUser(database, userId, async (tx) => {
        const found = await requireSession(tx, sessionId);
        const { modelId } = found;
        return { session: found, settings: await ai.snapshot(tx, { userId, modelId }) };
      });
      const { modelId, runId } = session;
      const question: ChatQuestion = { kind: 'chat', text, messageId, modelId, runId, replaces };
      return runs.start({
        ...{ conversationId: session.id, userId, question, settings },
        ...(key === undefined ? {} : { key }),
        ...(overlap === undefined ? {} : { overlap }),
      });
    },
    async retry({ userId, session, aiRunId, messageId, key, continues = false }) {
      const by = {
        ...(aiRunId === undefined ? {} : { aiRunId }),
        ...(messageId === undefined ? {} : { messageId }),
      };
      const { asked, settings } = await asUser(database, userId, async (tx) => ({
        asked: await findQuestion(tx, session.id, by),
        settings: await ai.snapshot(tx, { userId, modelId: session.modelId }),
      }));
      if (asked === null) {
        throw new MillraceError('request/not-found', 'There is no such question to answer again.');
      }
      // A page that asks anew does not wait for what it does not want any more.
      if ((await runs.stop(asked.aiRunId, userId)) !== null) {
        await readToEnd(hub, asked.aiRunId, AbortSignal.timeout(STOPPED_WITHIN_MS));
      }
      const again = { userId, settings, ...(key === undefined ? {} : { key }) };
      return continues ? runs.continue(asked.aiRunId, again) : runs.retry(asked.aiRunId, again);
    },
    async stop({ userId, session, aiRunId, messageId, about }) {
      if (aiRunId === undefined) {
        const run = session === null ? null : await runs.active(session.id);
        if (run === null || (messageId !== undefined && run.messageId !== messageId)) return false;
        return (await runs.stop(run.id, userId)) !== null;
      }
      const run = await requireRun(userId, aiRunId);
      const question = parseQuestion(run.question);
      const isAbout =
        about === undefined
          ? run.conversationId === session?.id
          : question.kind === 'chat' && question.runId === about;
      if (!isAbout) throw new MillraceError('request/not-found', 'There is no such answer here.');
      return (await runs.stop(run.id, userId)) !== null;
    },
    async startedUnder(sessionId, key) {
      const [row] = await database.query(
        'select id from millrace.ai_runs where conversation_id = $1 and key = $2',
        [sessionId, key],
      );
      return row === undefined ? null : runs.read(String(row['id']));
    },
    sessionAbout: (userId, subject) =>
      asUser(database, userId, async (tx) => {
        const { modelId, runId } = subject;
        const lock = JSON.stringify([userId, modelId, runId]);
        await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 11))', [lock]);
        const known = await newestSession(tx, subject);
        return known ?? insertSession(tx, { id: uuidv7(), userId, ...subject, title: '' });
      }),
    async mayRead(userId, { type, id }) {
      if (type === 'ai_run') return (await runs.read(id))?.userId === userId;
      if (type !== 'conversation') return false;
      const found = await asUser(database, userId, (tx) =>
        requireSession(tx, id).then(
          () => true,
          () => false,
        ),
      );
      return found;
    },
    close: () => runs.close(),
  };
}
