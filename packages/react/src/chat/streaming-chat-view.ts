// What `useStreamingChat` shows, and what of a request is new to it.

import type { ConnectionState } from '@millrace/client';
import { randomId } from './random-id.ts';

/** A message of OpenAI's chat format: at least these two; everything else is passed on as it is. */
export interface OpenAiMessage {
  readonly role: string;
  readonly content?: unknown;
}

export interface StreamingMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  /** So far. */
  readonly content: string;
  /** What the model thought before, where it tells; else empty. */
  readonly reasoning: string;
  /** When it was sent or began, ISO 8601 UTC. */
  readonly timestamp: string;
  /** More may come, also while the stream is interrupted. Of a question: false. */
  readonly isStreaming: boolean;
  /** `stopped` by `cancelStream` · `failed`: for good, and `error` says why. */
  readonly status: 'streaming' | 'completed' | 'stopped' | 'failed';
  /** Safe to render; also of an answer that is interrupted and given up for now. */
  readonly error: string | null;
  /** What really answers; null before it is told, and of a question. */
  readonly model: string | null;
  /** The server's name of the run that makes it; null before it is told, and where the server has none. */
  readonly runId: string | null;
}

export interface StreamingChatView {
  /** Questions and answers in order, by id. */
  readonly messages: ReadonlyMap<string, StreamingMessage>;
  /** Of all streams under way; `disconnected` while none is, which hinders nobody from sending. */
  readonly connectionState: ConnectionState;
  /** A stream is open. */
  readonly isConnected: boolean;
  /** What went wrong last, safe to render; null again with the next message. */
  readonly error: string | null;
}

/** The questions that stand behind the last answer: those before it are what the model is to know. */
export function newMessages(
  given: readonly OpenAiMessage[],
  timestamp: string,
): readonly StreamingMessage[] {
  const answered = given.findLastIndex(({ role }) => role === 'assistant');
  return given
    .slice(answered + 1)
    .filter(({ role }) => role === 'user')
    .map(({ content }) => ({
      ...{ id: randomId(), role: 'user', content: textOf(content), reasoning: '', timestamp },
      ...{ isStreaming: false, status: 'completed', error: null, model: null, runId: null },
    }));
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: unknown) => textOfPart(part)).join('');
}

function textOfPart(part: unknown): string {
  const text: unknown =
    typeof part === 'object' && part !== null ? Reflect.get(part, 'text') : undefined;
  return typeof text === 'string' ? text : '';
}
