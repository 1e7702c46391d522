// Server-sent events as text: the encoder. Rules: SSE-1, SSE-2. Reading is `eventsource-parser`'s work.

import { MillraceError } from './errors.ts';

export interface SseBlock {
  /** Name of the event; without one a browser dispatches `message`. */
  readonly event?: string;
  /** Last event id: only on positions that are safe to resume from. */
  readonly id?: string;
  /** Reconnection time, ms. */
  readonly retryMs?: number;
  readonly data?: string;
}

/**
 * One block with its blank line. A block without `data` dispatches nothing but still moves the id.
 * @throws MillraceError `protocol/malformed` when a one-line field holds a line break or, for `id`, a NUL:
 * it would end the field and let data inject fields of its own
 */
export function encodeSse(block: SseBlock): string {
  let text = '';
  if (block.event !== undefined) text += `event: ${oneLine(block.event)}\n`;
  if (block.id !== undefined) text += `id: ${oneLine(block.id)}\n`;
  if (block.retryMs !== undefined) text += `retry: ${Math.round(block.retryMs)}\n`;
  if (block.data !== undefined) {
    // CR, LF and CRLF all end a line for a reader, so each becomes a data line of its own.
    for (const line of block.data.split(/\r\n|\r|\n/)) text += `data: ${line}\n`;
  }
  return `${text}\n`;
}

/** A comment line: bytes that keep a connection alive and dispatch nothing. */
export function encodeSseComment(text: string): string {
  return `:${oneLine(text)}\n\n`;
}

function oneLine(text: string): string {
  if (/[\r\n\0]/.test(text)) {
    throw new MillraceError(
      'protocol/malformed',
      'A line break or NUL cannot stand in this SSE field.',
    );
  }
  return text;
}
