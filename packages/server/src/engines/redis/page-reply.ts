// The read script's answer as a page. Rule: LOG-3.

import { Buffer } from 'node:buffer';
import { encodeEvent, toOffset } from '@millrace/protocol/wire';
import type { LogEntry, LogPage, StoredSnapshot } from '../../seams/log.ts';
import { readNumber, readOffset, readText, readTime } from './replies.ts';

export function parsePage(reply: readonly unknown[], after: number, maxBytes: number): LogPage {
  const [, epoch, head, first, isEnded, offset, version, text, ...stored] = reply;
  return {
    epoch: readText(epoch),
    head: readOffset(head),
    first: readOffset(first),
    isEnded: isEnded === 1,
    snapshot: parseSnapshot(offset, version, text),
    entries: parseEntries(stored, Math.max(after, readNumber(first) - 1), maxBytes),
  };
}

function parseSnapshot(offset: unknown, version: unknown, text: unknown): StoredSnapshot | null {
  if (offset === null) return null;
  return { offset: readOffset(offset), version: readNumber(version), text: readText(text) };
}

/** The script measures bodies, a page is measured in whole texts: the last ones may be too many. */
function parseEntries(stored: readonly unknown[], after: number, maxBytes: number): LogEntry[] {
  const entries: LogEntry[] = [];
  let bytes = 0;
  for (let place = 0; place < stored.length; place += 2) {
    const offset = toOffset(after + entries.length + 1);
    const text = encodeEvent(offset, readTime(stored[place]), readText(stored[place + 1]));
    bytes += Buffer.byteLength(text);
    if (bytes > maxBytes && entries.length > 0) break;
    entries.push({ offset, text });
  }
  return entries;
}
