// What of a chat's AI run is kept as messages, in the transactions that make and end the run: the question with its
// acceptance; the answer, once, with its end. What was stopped is no answer: it stays on the run's own row (spec E7),
// unless KEEP_STOPPED says otherwise.

import type { RunRow } from '@millrace/ai';
import { MillraceError } from '@millrace/protocol';
import { type RunState, textOfRun } from '@millrace/protocol/runs';
import type { SqlTransaction } from '@millrace/server/postgres';
import { whileActingAs } from '../database/as-user.ts';
import { giveQuestionTo, insertMessage, replaceAnswer, replaceFrom } from './message-rows.ts';
import type { ChatQuestion } from './question.ts';
import { lockSession, noSession, renameSession } from './session-rows.ts';

/**
 * @throws MillraceError `request/not-found` where the session is gone by now, `request/conflict` where another message has
 * the question's id: answered without it, the question would be in no history
 */
export async function keepQuestion(
  tx: SqlTransaction,
  run: RunRow,
  question: ChatQuestion,
): Promise<void> {
  const { userId, conversationId: sessionId, id: aiRunId, retryOf } = run;
  const { messageId: id, text, replaces } = question;
  await whileActingAs(tx, userId, async () => {
    const session = await lockSession(tx, sessionId);
    if (session === null) throw noSession();
    if (retryOf !== null) {
      await giveQuestionTo(tx, sessionId, id, aiRunId);
      return;
    }
    if (replaces !== null) await replaceFrom(tx, sessionId, replaces);
    const isKept = await insertMessage(tx, {
      ...{ sessionId, userId, id, role: 'user', status: 'completed', text, aiRunId },
      parts: [{ type: 'text', text, isDone: true, provider: null }],
    });
    if (!isKept) {
      const message = 'Another message of the chat has this id. Give a new question a new one.';
      throw new MillraceError('request/conflict', message);
    }
    if (session.title === '') await renameSession(tx, sessionId, text);
  });
}

export async function keepAnswer(
  tx: SqlTransaction,
  run: RunRow,
  question: ChatQuestion,
  state: RunState,
  { keepsStopped }: { readonly keepsStopped: boolean },
): Promise<void> {
  const { userId, conversationId: sessionId, id: aiRunId, messageId: id, status } = run;
  const { retryOf } = run;
  const text = textOfRun(state);
  const isKept = status === 'completed' || (status === 'stopped' && keepsStopped && text !== '');
  await whileActingAs(tx, userId, async () => {
    // A session that was deleted meanwhile takes its answers with it.
    if ((await lockSession(tx, sessionId)) === null) return;
    if (!isKept) {
      // The answer that stands is the question's again.
      if (retryOf !== null) await giveQuestionTo(tx, sessionId, question.messageId, retryOf);
      return;
    }
    if (retryOf !== null) await replaceAnswer(tx, sessionId, retryOf);
    await insertMessage(tx, {
      ...{ sessionId, userId, id, role: 'assistant', text, aiRunId },
      status: status === 'stopped' ? 'stopped' : 'completed',
      parts: state.parts,
      ...{ aiModel: state.model, usage: state.usage },
    });
  });
}
