// What nodes tell each other of appends, as the payloads of notifications. PostgreSQL takes 7,999 bytes in one.
// Rule: LOG-7.
//
//   ["<who>",[["<channel>","<epoch>",<head>,<has ended>],…]]     these moved
//   ["<who>"]                                                    too many moved to name them: look

import { Buffer } from 'node:buffer';
import { isOffset } from '@millrace/protocol/wire';
import type { AppendHint } from '../../seams/log.ts';
import { isList, parseList } from './json-list.ts';

/** The notification channel; the functions in the database tell on it too, as nobody. */
export const LOG_CHANNEL = 'millrace_log';

/** Leaves room for what is around the entries. */
const MAX_BYTES = 7_900;
/** Payloads of one telling. Past that the receivers find out by one statement each, which costs everybody less. */
const MAX_PAYLOADS = 4;

/** Where a channel stands. */
export type Moved = Pick<AppendHint, 'epoch' | 'head' | 'isEnded'>;

export interface Hints {
  readonly origin: string;
  /** Null: too many to name. */
  readonly moved: ReadonlyMap<string, Moved> | null;
}

export function encodeHints(origin: string, moved: ReadonlyMap<string, Moved>): readonly string[] {
  const payloads: string[] = [];
  let entries: string[] = [];
  let bytes = 0;
  for (const [channel, { epoch, head, isEnded }] of moved) {
    const entry = JSON.stringify([channel, epoch, head, isEnded]);
    const size = Buffer.byteLength(entry) + 1;
    if (size + origin.length > MAX_BYTES) return [encodeMany(origin)];
    if (bytes + size + origin.length > MAX_BYTES) {
      payloads.push(encodeSome(origin, entries));
      if (payloads.length === MAX_PAYLOADS) return [encodeMany(origin)];
      entries = [];
      bytes = 0;
    }
    entries.push(entry);
    bytes += size;
  }
  if (entries.length > 0) payloads.push(encodeSome(origin, entries));
  return payloads;
}

function encodeSome(origin: string, entries: readonly string[]): string {
  return `["${origin}",[${entries.join(',')}]]`;
}

function encodeMany(origin: string): string {
  return `["${origin}"]`;
}

/** Null for what is none: anybody may notify. */
export function parseHints(payload: string): Hints | null {
  const [origin, entries] = parseList(payload);
  if (typeof origin !== 'string') return null;
  if (!isList(entries)) return { origin, moved: null };
  const moved = new Map<string, Moved>();
  for (const entry of entries) {
    const [channel, epoch, head, isEnded] = isList(entry) ? entry : [];
    if (typeof channel !== 'string' || typeof epoch !== 'string' || !isOffset(head)) continue;
    moved.set(channel, { epoch, head, isEnded: isEnded === true });
  }
  return { origin, moved };
}
