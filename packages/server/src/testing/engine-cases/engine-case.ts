// What a conformance case of engines is, and the few calls that most of them make.

import type { Cursor, Offset } from '@millrace/protocol';
import {
  encodeEventBody,
  isOffset,
  parseEvent,
  parseJson,
  toOffset,
  ZERO_OFFSET,
} from '@millrace/protocol/wire';
import type { Engine } from '../../seams/engine.ts';
import type { AppendOutcome, AppendRequest, Log, LogPage, PageSize } from '../../seams/log.ts';
import { assert, fail } from '../check.ts';

/** What a runner makes for each case. Its disposal takes away what the case left; the engine is closed by then. */
export interface EngineSubject extends Partial<AsyncDisposable> {
  /** Fresh and empty: nobody has appended to it, and nobody else uses what it stands on. */
  readonly engine: Engine;
}

export interface EngineCase {
  /** The rule of PROTOCOL.md that it proves. */
  readonly rule: string;
  readonly title: string;
  /** Skipped where the engine's capabilities lack it. */
  readonly needs?: 'isLocal';
  run(subject: EngineSubject): Promise<void>;
}

export const WHOLE: PageSize = { maxEvents: 10_000, maxBytes: 100_000_000 };

export function event(channel: string, data: unknown, key?: string): AppendRequest {
  const body = encodeEventBody({ type: 'said', data });
  return key === undefined ? { channel, body } : { channel, body, key };
}

export function end(channel: string): AppendRequest {
  return { channel, isEnd: true };
}

/** The outcome's cursor; the case fails when it was refused. */
export function accepted(outcome: AppendOutcome | undefined): Cursor {
  if (outcome === undefined) fail('Expected an outcome for each request.');
  if ('error' in outcome) {
    throw new Error('Expected the append to be accepted.', { cause: outcome.error });
  }
  return outcome.cursor;
}

/** Appends one event and answers its cursor. */
export async function appendOne(
  log: Log,
  channel: string,
  data: unknown,
  key?: string,
): Promise<Cursor> {
  const [outcome] = await log.append([event(channel, data, key)]);
  return accepted(outcome);
}

export function readAll(log: Log, channel: string, after: Offset = ZERO_OFFSET): Promise<LogPage> {
  return log.read(channel, after, WHOLE);
}

/** What was said in the page's entries, after checking that each is a whole event with the entry's offset. */
export function dataOf(page: Pick<LogPage, 'entries'>): unknown[] {
  return page.entries.map((entry) => {
    const parsed = parseEvent(parseJson(entry.text));
    assert(parsed.offset === entry.offset, 'the text of an entry holds its offset');
    assert(!Number.isNaN(Date.parse(parsed.at)), 'the text of an entry holds a time');
    return parsed.data;
  });
}

export function offsetsOf(page: Pick<LogPage, 'entries'>): number[] {
  return page.entries.map(({ offset }) => offset);
}

/** The whole numbers from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}

export function offset(value: number): Offset {
  if (!isOffset(value)) fail('Expected an offset.');
  return toOffset(value);
}
