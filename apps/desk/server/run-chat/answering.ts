// How an AI run of Desk is answered, asked anew by each node that takes it: the model's AI as it is set now, what the
// run is about, the last messages, the tools. Refuses to own: what a program sends (inference/).

import type { Answering, RunRow } from '@millrace/ai';
import type { SqlDatabase } from '@millrace/server/postgres';
import type { ModelMessage } from 'ai';
import { asUser } from '../database/as-user.ts';
import type { Log } from '../log.ts';
import type { ModelAi } from '../model-ai/model-ai.ts';
import type { Analyst } from './analyst.ts';
import { instructionsFor } from './facts.ts';
import { readContext, type Said } from './message-rows.ts';
import type { ChatQuestion } from './question.ts';

export interface AnsweringOptions {
  readonly database: SqlDatabase;
  readonly ai: Pick<ModelAi, 'choose'>;
  readonly analyst: Analyst;
  /** CHAT_CONTEXT_MESSAGES. */
  readonly contextMessages: number;
  readonly log: Log;
}

export async function answerChat(
  run: RunRow,
  question: ChatQuestion,
  options: AnsweringOptions,
): Promise<Answering> {
  const { database, ai, analyst, log } = options;
  const { userId, conversationId: sessionId, id: aiRunId } = run;
  const { modelId, runId } = question;
  const { chosen, instructions, said } = await asUser(database, userId, async (tx) => ({
    chosen: await ai.choose(tx, { userId, modelId }),
    instructions: await instructionsFor(tx, question),
    said: await readContext(tx, { sessionId, aiRunId, most: options.contextMessages }),
  }));
  const { answers, answersAs } = chosen;
  const about = { aiRunId, userId, modelId, runId };
  log.info({ tag: 'chat', ...about, answers, answersAs, messages: said.length }, 'answer begun');
  return {
    model: chosen.model,
    instructions,
    messages: [...messagesOf(said), { role: 'user', content: question.text }],
    tools: analyst.tools({ userId, modelId, runId }),
    // They only read.
    idempotentTools: Object.keys(analyst.tools({ userId, modelId, runId })),
  };
}

/**
 * The words alone: figures of a tool's old result would be old ones. A conversation begins with a question, since some
 * providers refuse one that does not.
 */
function messagesOf(said: readonly Said[]): readonly ModelMessage[] {
  const first = said.findIndex(({ role }) => role === 'user');
  if (first === -1) return [];
  return said
    .slice(first)
    .filter(({ text }) => text !== '')
    .map(({ role, text }) => ({ role, content: text }));
}
