// The statements of the log and the reading of their rows. Numbers are cast to float8 in the SQL: an int8 comes
// back as text from one driver and as a number from another, a float8 is a number everywhere and exact to 2^53.

import { Buffer } from 'node:buffer';
import { type Cursor, MillraceError, type Offset } from '@millrace/protocol';
import { encodeEvent, toOffset, ZERO_OFFSET } from '@millrace/protocol/wire';
import type {
  AppendOutcome,
  LogEntry,
  LogPage,
  PageSize,
  StoredSnapshot,
} from '../../seams/log.ts';
import type { SqlRow } from './database.ts';

export const APPEND = `select request::float8, outcome, at_offset, at_ms
  from millrace.append_batch($1::text[], $2::text[], $3::text[], $4::float8 * interval '1 millisecond', $5::boolean)`;

/** One row at least for a channel that exists; the snapshot stands in the first alone, since it can be large. */
export const READ = `select
    channel.head::float8, channel.first::float8, channel.ended_at is not null as is_ended,
    page.event_offset::float8, (extract(epoch from page.accepted_at) * 1000)::float8 as at_ms, page.body,
    channel.snapshot_offset::float8, channel.snapshot_version::float8,
    case when coalesce(page.place, 1) = 1 then channel.snapshot_text end as snapshot_text
  from millrace.channel
  left join lateral (
    select *, row_number() over sized as place, sum(octet_length(body)) over sized as bytes
    from (
      select event_offset, accepted_at, body from millrace.entry
      where channel_id = channel.id and event_offset > $2::bigint
      order by event_offset limit $3::bigint
    ) kept
    window sized as (order by event_offset)
  ) page on page.place = 1 or page.bytes <= $4::float8
  where channel.name = $1
  order by page.event_offset`;

export const COMPACT = `select millrace.compact_channel(
    $1, $2::bigint, $3::float8 * interval '1 millisecond', $4::boolean, $5::bigint, $6::integer, $7, $8::bigint
  )::float8 as trimmed`;

/** Bounded: on an embedded database a long statement holds up every append. */
export const FORGET_KEYS = `delete from millrace.idempotency_key where (channel_id, key_hash) in (
    select channel_id, key_hash from millrace.idempotency_key
    where expires_at < clock_timestamp() order by expires_at limit 2000
  )`;

export function parseOutcome(row: SqlRow, epoch: string, channel: string): AppendOutcome {
  if (row['outcome'] === 'refused') {
    const error = new MillraceError(
      'channel/ended',
      `The channel "${channel}" has ended and takes no more events.`,
    );
    return { error };
  }
  const cursor: Cursor = { epoch, offset: parseOffset(row['at_offset']) };
  return { cursor, at: parseTime(row['at_ms']), isDuplicate: row['outcome'] === 'duplicate' };
}

export function parsePage(rows: readonly SqlRow[], epoch: string, size: PageSize): LogPage {
  const [top] = rows;
  if (top === undefined) {
    const first = toOffset(1);
    return { epoch, first, head: ZERO_OFFSET, isEnded: false, snapshot: null, entries: [] };
  }
  return {
    epoch,
    first: parseOffset(top['first']),
    head: parseOffset(top['head']),
    isEnded: top['is_ended'] === true,
    snapshot: parseSnapshot(top),
    entries: parseEntries(rows, size.maxBytes),
  };
}

function parseSnapshot(row: SqlRow): StoredSnapshot | null {
  if (row['snapshot_offset'] === null) return null;
  return {
    offset: parseOffset(row['snapshot_offset']),
    version: Number(row['snapshot_version']),
    text: String(row['snapshot_text']),
  };
}

/** The statement measures bodies, a page is measured in whole texts: the last ones may be too many. */
function parseEntries(rows: readonly SqlRow[], maxBytes: number): LogEntry[] {
  const entries: LogEntry[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (row['event_offset'] === null) break;
    const offset = parseOffset(row['event_offset']);
    const text = encodeEvent(offset, parseTime(row['at_ms']), String(row['body']));
    bytes += Buffer.byteLength(text);
    if (bytes > maxBytes && entries.length > 0) break;
    entries.push({ offset, text });
  }
  return entries;
}

function parseOffset(value: unknown): Offset {
  return toOffset(Number(value));
}

function parseTime(value: unknown): string {
  return new Date(Number(value)).toISOString();
}
