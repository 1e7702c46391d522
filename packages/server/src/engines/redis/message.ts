// What is published for each channel and batch: JSON that a person can read, and that a node reads without parsing
// the events in it. Scripts write it (scripts/append-script.ts); here is how it begins, and how it is read.
//
//   {"log":"millrace:","origin":"k3JdX0aP","epoch":"…","head":7,"ended":false,"lengths":[98],"entries":[{"offset":7,…}]}
//
// `lengths` are those of the entries, in bytes: each is cut out as it is. A message too large to be sent has none.
// The origin stands in front, where one's own messages are known by comparing bytes. Rules: LOG-7, REDIS-3.

import type { Buffer } from 'node:buffer';
import { isOffset, readJsonObject, toOffset } from '@millrace/protocol/wire';
import type { AppendHint, LogEntry } from '../../seams/log.ts';

const BEFORE_ENTRIES = ',"entries":[';

/** How every message of an engine with this prefix begins. */
export function messageStart(prefix: string): string {
  return `{"log":${JSON.stringify(prefix)},"origin":`;
}

/** How those of one origin begin. */
export function messageHead(prefix: string, origin: string): string {
  return `${messageStart(prefix)}${JSON.stringify(origin)}`;
}

export function startsWith(payload: Buffer, start: Buffer): boolean {
  return (
    payload.length >= start.length && start.compare(payload, 0, start.length, 0, start.length) === 0
  );
}

/** Null for what is no message of ours: anybody may publish under a channel's name. */
export function parseMessage(payload: Buffer): AppendHint | null {
  const end = payload.indexOf(BEFORE_ENTRIES);
  if (end < 0) return null;
  const header = readHeader(`${payload.toString('utf8', 0, end)}}`);
  if (header === null) return null;
  const { epoch, head, isEnded, lengths } = header;
  const entries: LogEntry[] = [];
  let at = end + BEFORE_ENTRIES.length;
  let offset = head - lengths.length;
  for (const length of lengths) {
    if (at + length >= payload.length) return null;
    offset += 1;
    entries.push({ offset: toOffset(offset), text: payload.toString('utf8', at, at + length) });
    // The comma between two.
    at += length + 1;
  }
  return { epoch, head: toOffset(head), isEnded, entries };
}

interface Header {
  readonly epoch: string;
  readonly head: number;
  readonly isEnded: boolean;
  readonly lengths: readonly number[];
}

function readHeader(text: string): Header | null {
  try {
    const { epoch, head, ended, lengths } = readJsonObject(text);
    if (typeof epoch !== 'string' || !isOffset(head) || typeof ended !== 'boolean') return null;
    if (!Array.isArray(lengths) || lengths.length > head) return null;
    const sizes = lengths.filter(isOffset);
    return sizes.length === lengths.length ? { epoch, head, isEnded: ended, lengths: sizes } : null;
  } catch {
    // Not JSON: somebody else's message.
    return null;
  }
}
