// What a row of the outbox says, and its reading: what the log is to be asked when the row's transaction has committed.
// Conditions are JSON text, since a key may hold characters that a database cannot store.

import { encodeCursor, MillraceError } from '@millrace/protocol';
import { parseExpected, parsePublishItems, readJsonObject } from '@millrace/protocol/wire';
import type { SqlRow } from '../seams/database.ts';
import type { AppendEvent, AppendRequest } from '../seams/log.ts';

export interface ForgetRequest {
  readonly channel: string;
  readonly isForget: true;
}

/** An event here has a key or a producer: it is repeated when nobody knows whether it was appended. */
export type OutboxRequest = AppendRequest | ForgetRequest;

export interface OutboxRow {
  readonly id: number;
  readonly channel: string;
  /** An error where the row cannot be read: written by hand, or by a version to come. */
  readonly request: OutboxRequest | MillraceError;
}

/** The fields of a row, for the JSON text that `WRITE` takes. */
export function encodeRow(request: OutboxRequest): Readonly<Record<string, string | null>> {
  const { channel } = request;
  if ('isForget' in request) return { channel, kind: 'forget', body: null, conditions: '{}' };
  if ('isEnd' in request) return { channel, kind: 'end', body: null, conditions: '{}' };
  const { body, key, producer, expect } = request;
  const expected = typeof expect === 'object' ? encodeCursor(expect) : expect;
  const conditions = JSON.stringify({ key, producer, expect: expected });
  return { channel, kind: 'event', body, conditions };
}

export function parseRow(row: SqlRow): OutboxRow {
  const channel = String(row['channel']);
  return { id: Number(row['id']), channel, request: parseRequest(channel, row) };
}

function parseRequest(channel: string, row: SqlRow): OutboxRequest | MillraceError {
  const { kind, body, conditions } = row;
  if (kind === 'forget') return { channel, isForget: true };
  if (kind === 'end') return { channel, isEnd: true };
  if (kind !== 'event' || typeof body !== 'string' || typeof conditions !== 'string') {
    return unreadable();
  }
  try {
    return parseEventRow(channel, body, conditions);
  } catch (cause) {
    return unreadable(cause);
  }
}

function parseEventRow(channel: string, body: string, text: string): AppendEvent | MillraceError {
  // As they stand on the wire, so that one parser knows them.
  const stored = { ...readJsonObject(text), channel, event: { type: 'stored' } };
  const [item] = parsePublishItems([stored]);
  if (item === undefined || (item.key === undefined && item.producer === undefined)) {
    return unreadable();
  }
  const { key, producer, expect } = item;
  return {
    channel,
    body,
    ...(key === undefined ? {} : { key }),
    ...(producer === undefined ? {} : { producer }),
    ...(expect === undefined ? {} : { expect: parseExpected(expect) }),
  };
}

function unreadable(cause?: unknown): MillraceError {
  return new MillraceError(
    'protocol/malformed',
    'This row of the outbox cannot be read: it was not written by `publish`, or by a newer version.',
    { cause },
  );
}
