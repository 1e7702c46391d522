// A message of a conversation as `useChat` shows it, and the reading of those that the server has stored. What comes from
// the server is checked as far as it is used: a proxy's page must not end up in a chat.

import { MillraceError } from '@millrace/protocol';
import type { RunPart, RunStatus } from '@millrace/protocol/runs';
import { isJsonObject, type JsonObject } from '@millrace/protocol/wire';

export interface ChatMessage {
  /** Of an answer from its beginning on the one under which it is stored. */
  readonly id: string;
  readonly role: 'user' | 'assistant';
  /** Of a question one text. A part that has not changed is the same object. */
  readonly parts: readonly RunPart[];
  /** All text parts, one after the other. */
  readonly text: string;
  /**
   * Of a question: `sending` · `failed`, it did not reach the server · `completed`, it is stored. Of an answer: where its
   * run is.
   */
  readonly status: 'sending' | RunStatus;
  /** The AI run that answers it, or that it is of; null while it is not known. */
  readonly runId: string | null;
  /** Of a failed or interrupted one, safe to render. */
  readonly error: string | null;
  /** ISO 8601 UTC; by this page's clock until it is stored. */
  readonly createdAt: string;
}

/** @throws MillraceError `protocol/malformed` */
export function parseHistory(answer: JsonObject): readonly ChatMessage[] {
  const { messages } = answer;
  if (!Array.isArray(messages)) throw unreadable();
  return messages.map((one: unknown) => parseStored(one));
}

function parseStored(value: unknown): ChatMessage {
  const { id, role, text, parts, runId, createdAt, status } = isJsonObject(value) ? value : {};
  if (typeof id !== 'string' || typeof text !== 'string' || !Array.isArray(parts)) {
    throw unreadable();
  }
  return {
    id,
    role: role === 'user' ? role : 'assistant',
    parts: parts.filter(isPart),
    text,
    status: status === 'stopped' ? status : 'completed',
    runId: typeof runId === 'string' ? runId : null,
    error: null,
    createdAt: typeof createdAt === 'string' ? createdAt : '',
  };
}

/** The parts of a stored answer are those that its run had: what matters here is that they can be told apart. */
function isPart(value: unknown): value is RunPart {
  return isJsonObject(value) && typeof value['type'] === 'string';
}

function unreadable(): MillraceError {
  return new MillraceError('protocol/malformed', 'The conversation cannot be read.');
}

/** The list of `after`, with the objects of `before` in the place of equal ones: what is stored does not change its parts. */
export function keepEqual(
  before: readonly ChatMessage[],
  after: readonly ChatMessage[],
): readonly ChatMessage[] {
  const known = new Map(before.map((one) => [one.id, one]));
  return after.map((one) => {
    const old = known.get(one.id);
    const isSame = old?.status === one.status && old.runId === one.runId && old.text === one.text;
    return old !== undefined && isSame ? old : one;
  });
}

export function questionParts(text: string): readonly RunPart[] {
  return [{ type: 'text', text, isDone: true, provider: null }];
}
