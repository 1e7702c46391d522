// What pages of the AI SDK and of AG-UI ask: under a chat's id that may be the page's own, with messages of which only the
// last question counts. The stored conversation is the truth, whatever is posted of the past.

import type { RunRow } from '@millrace/ai';
import { MillraceError } from '@millrace/protocol';
import type { SqlDatabase } from '@millrace/server/postgres';
import type { ChatSession } from '../../shared/chat-api.ts';
import { asUser } from '../database/as-user.ts';
import { findQuestion } from './message-rows.ts';
import type { RunChat } from './run-chat.ts';
import { findSession, insertSession, requireSession, SESSION_ID } from './session-rows.ts';
import { subjectOf } from './trading-run.ts';

export interface UiAsked {
  readonly chatId: string;
  /** For a chat that is not there yet. */
  readonly modelId?: string | null | undefined;
  readonly runId?: string | null | undefined;
  readonly does: UiDoes;
}

/** `ask`: a new question, or one that replaces that of the same id (`replaces`) · `regenerate`: answer once more. */
export type UiDoes =
  | {
      readonly is: 'ask';
      readonly messageId: string;
      readonly text: string;
      readonly replaces: boolean;
      /** Default: the message's id. */
      readonly key?: string;
    }
  | { readonly is: 'regenerate'; readonly messageId?: string | undefined };

export interface UiAsking {
  start(userId: string, asked: UiAsked): Promise<RunRow>;
  /** What the chat has at work, or had a moment ago. @throws MillraceError `request/not-found` */
  active(userId: string, chatId: string): Promise<RunRow | null>;
}

/** Who opens a chat just when its answer ends has not read its message yet. */
const GRACE_MS = 60_000;

export function createUiAsking({
  sql,
  runChat,
}: {
  readonly sql: SqlDatabase;
  readonly runChat: RunChat;
}): UiAsking {
  /** Theirs, or a new one. */
  function sessionFor(userId: string, asked: UiAsked): Promise<ChatSession> {
    const { chatId: id, modelId = null, runId = null } = asked;
    if (!SESSION_ID.test(id)) {
      throw new MillraceError(
        'request/invalid',
        'A chat’s id has 16 to 64 letters, digits, - and _.',
      );
    }
    return asUser(sql, userId, async (tx) => {
      const known = await findSession(tx, id);
      if (known !== null) return known;
      const subject = await subjectOf(tx, modelId, runId);
      return insertSession(tx, { id, userId, ...subject, title: '' });
    });
  }

  return {
    async start(userId, asked) {
      const session = await sessionFor(userId, asked);
      const { does } = asked;
      if (does.is === 'regenerate') {
        const { messageId } = does;
        return (await runChat.retry({ userId, session, messageId })).run;
      }
      const { messageId, text, key = messageId, replaces } = does;
      const known = await asUser(sql, userId, (tx) => findQuestion(tx, session.id, { messageId }));
      if (known !== null && replaces) {
        const how = { replaces: messageId, overlap: 'interrupt' } as const;
        return (await runChat.ask({ userId, sessionId: session.id, text, messageId, ...how })).run;
      }
      // The same question under another key: it is to be answered once more, under each key once.
      if (known !== null && key !== messageId) {
        const before = await runChat.startedUnder(session.id, key);
        if (before !== null) return before;
        return (await runChat.retry({ userId, session, messageId, key })).run;
      }
      const how = { key, overlap: 'queue' } as const;
      return (await runChat.ask({ userId, sessionId: session.id, text, messageId, ...how })).run;
    },
    async active(userId, chatId) {
      const session = await asUser(sql, userId, (tx) => requireSession(tx, chatId));
      const run = await runChat.runs.active(session.id, { graceMs: GRACE_MS });
      // A chat's id may be a page's own: of one that was deleted, and is somebody else's by now, an answer may still end.
      return run?.userId === userId ? run : null;
    },
  };
}
