// Reading, trimming and forgetting a channel.

import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { MillraceError, type Offset } from '@millrace/protocol';
import { nextOffset, toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import type {
  AppendHint,
  LogEntry,
  LogPage,
  PageSize,
  Retention,
  StoredSnapshot,
} from '@millrace/server';
import { supersedes } from '@millrace/server/engine';
import type { Sql } from './file.ts';

export interface StoredChannel {
  readonly epoch: string;
  head: Offset;
  isEnded: boolean;
  readonly snapshot: StoredSnapshot | null;
}

/** One that nobody appended to has no row: names that are only read must not fill the file. */
export function channelOf(sql: Sql, name: string): StoredChannel {
  const row = sql.first('select * from channel where name = ?', name);
  if (row === undefined) {
    return { epoch: sql.token, head: ZERO_OFFSET, isEnded: false, snapshot: null };
  }
  const snapshot = {
    offset: toOffset(Number(row['snapshot_offset'])),
    version: Number(row['snapshot_version']),
    text: String(row['snapshot_text']),
  };
  return {
    epoch: String(row['epoch']),
    head: toOffset(Number(row['head'])),
    isEnded: row['is_ended'] === 1,
    snapshot: row['snapshot_text'] === null ? null : snapshot,
  };
}

/** The oldest kept offset; one after the head where nothing is kept. */
function firstOf(sql: Sql, name: string, head: Offset): Offset {
  const first = sql.first('select min(offset) as first from entry where channel = ?', name)?.[
    'first'
  ];
  return typeof first === 'number' ? toOffset(first) : nextOffset(head);
}

export function readPage(sql: Sql, name: string, after: Offset, size: PageSize): LogPage {
  const channel = channelOf(sql, name);
  const query =
    'select offset, text from entry where channel = ? and offset > ? order by offset limit ?';
  const entries: LogEntry[] = [];
  let bytes = 0;
  for (const row of sql.each(query, name, after, size.maxEvents)) {
    const text = String(row['text']);
    bytes += Buffer.byteLength(text);
    if (bytes > size.maxBytes && entries.length > 0) break;
    entries.push({ offset: toOffset(Number(row['offset'])), text });
  }
  return { ...channel, first: firstOf(sql, name, channel.head), entries };
}

export function compactChannel(sql: Sql, name: string, retention: Retention, now: number): void {
  const { epoch, head, snapshot: stored } = channelOf(sql, name);
  let kept = stored;
  const { snapshot } = retention;
  if (snapshot !== undefined && (retention.epoch ?? epoch) === epoch) {
    if (snapshot.offset > head) {
      throw new MillraceError('request/invalid', 'A snapshot cannot be newer than its channel.');
    }
    if (supersedes(snapshot, stored, firstOf(sql, name, head))) {
      const values = [snapshot.offset, snapshot.version, snapshot.text, name];
      const update = `update channel set snapshot_offset = ?, snapshot_version = ?, snapshot_text = ?
        where name = ?`;
      sql.run(update, ...values);
      kept = snapshot;
    }
  }
  const young = 'select min(offset) as first from entry where channel = ? and accepted_at >= ?';
  const firstYoung = sql.first(young, name, now - retention.maxAgeMs)?.['first'];
  const lastOld = typeof firstYoung === 'number' ? firstYoung - 1 : head;
  const upTo = retention.needsSnapshot === true ? (kept?.offset ?? 0) : head;
  const trimmed = Math.min(upTo, Math.max(lastOld, head - retention.size));
  sql.run('delete from entry where channel = ? and offset <= ?', name, trimmed);
  sql.run('delete from producer where channel = ? and expires_at <= ?', name, now);
}

/** Its row stays, with another epoch. */
export function forgetChannel(
  sql: Sql,
  name: string,
  ofEpoch: string | undefined,
): { readonly isDone: boolean; readonly hint: AppendHint | null } {
  const channel = channelOf(sql, name);
  if (ofEpoch !== undefined && ofEpoch !== channel.epoch) return { isDone: false, hint: null };
  if (channel.head === 0 && !channel.isEnded) return { isDone: true, hint: null };
  const epoch = randomBytes(9).toString('base64url');
  for (const table of ['entry', 'producer']) {
    sql.run(`delete from ${table} where channel = ?`, name);
  }
  sql.run('replace into channel values (?, ?, 0, 0, null, null, null)', name, epoch);
  return { isDone: true, hint: { epoch, head: ZERO_OFFSET, isEnded: false, entries: [] } };
}
