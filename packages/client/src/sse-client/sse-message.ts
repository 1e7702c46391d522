// A message of an event stream as handlers get it, and the reader of one such text. Reading is `eventsource-parser`'s work.

import { createParser } from 'eventsource-parser';

export interface SSEMessage {
  /** Its `event:`; `message` where it names none. */
  readonly event: string;
  /** The text of its `data:` lines. */
  readonly data: string;
  /** Its own `id:`; null where it has none. */
  readonly id: string | null;
}

/**
 * The first message in a text of an event stream, whether its blank line is there or not; null where there is none,
 * as in a comment.
 *
 * ```ts
 * parseSSEMessage('event: token\ndata: Hello'); // { event: 'token', data: 'Hello', id: null }
 * ```
 */
export function parseSSEMessage(text: string): SSEMessage | null {
  const messages: SSEMessage[] = [];
  const parser = createParser({ onEvent: (message) => void messages.push(messageOf(message)) });
  // A byte order mark may open a stream; whoever decodes bytes has taken it away already.
  parser.feed(`${text.replace(/^\uFEFF/, '')}\n\n`);
  return messages[0] ?? null;
}

export function messageOf(parsed: {
  readonly event?: string | undefined;
  readonly data: string;
  readonly id?: string | undefined;
}): SSEMessage {
  const { event = 'message', data, id = null } = parsed;
  return { event, data, id };
}
