// The statements of the log and the reading of their rows. Numbers are cast to float8 in the SQL: an int8 comes
// back as text from one driver and as a number from another, a float8 is a number everywhere and exact to 2^53.

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type Cursor, MillraceError, type Offset } from '@millrace/protocol';
import { encodeEvent, toOffset } from '@millrace/protocol/wire';
import type {
  AppendHint,
  AppendOutcome,
  AppendRequest,
  LogEntry,
  LogPage,
  PageSize,
  StoredSnapshot,
} from '../../seams/log.ts';
import { producerOf } from '../producer-of.ts';
import { channelEnded, fenced, headMoved, sequenceGap } from '../refusals.ts';
import type { SqlRow } from './database.ts';

export const APPEND = `select request::float8, outcome, told, at_ms, in_incarnation
  from millrace.append_events(
    $1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[],
    $8::float8 * interval '1 millisecond'
  )`;

export const READ = 'select * from millrace.read_page($1, $2::bigint, $3::bigint, $4::float8)';

export const HEADS = 'select * from millrace.heads($1::text[])';

/** A snapshot of another epoch is of no future, also where nothing is left of its channel. */
export const COMPACT = `select millrace.compact(
    $1, $2::bigint, $3::float8 * interval '1 millisecond', $4::boolean, $5,
    case when $5 <> millrace.epoch() and not exists (select from millrace.channel where name = $1)
      then null else $6::bigint end,
    $7::integer, $8, $9::bigint
  ) as trimmed`;

export const MAX_FORGOTTEN_PRODUCERS = 2_000;

/**
 * Bounded: on an embedded database a long statement holds up every append. What another node is forgetting, or an
 * append is about to use again, is left alone: waiting for it could end in a dead-lock.
 */
export const FORGET_PRODUCERS: string = `with gone as (
    delete from millrace.producer where (channel_id, name_hash) in (
      select channel_id, name_hash from millrace.producer
      where expires_at < clock_timestamp() order by expires_at limit ${MAX_FORGOTTEN_PRODUCERS}
      for update skip locked
    )
    returning 1
  )
  select count(*)::float8 as gone from gone`;

/** Compared after the lock: nothing comes between that and the forgetting. */
export const FORGET_CHANNEL = `with known as materialized (
    select name from millrace.channel
    where name = $1 and ($2::text is null or millrace.channel_epoch(millrace.epoch(), incarnation) = $2)
    for no key update
  )
  select coalesce((select millrace.forget_channel(name) from known), 0)::float8 as erased,
    $2::text is null or exists (select from known)
      or ($2 = millrace.epoch() and not exists (select from millrace.channel where name = $1)) as is_own`;

/** The parameters of APPEND: one list for each field of the requests. */
export function appendParams(
  batch: readonly AppendRequest[],
  windowMs: number,
): readonly unknown[] {
  const events = batch.map((request) => ('isEnd' in request ? null : request));
  const producers = events.map((event) => (event === null ? null : producerOf(event)));
  const expected = events.map((event) => event?.expect);
  return [
    batch.map(({ channel }) => channel),
    events.map((event) => event?.body ?? null),
    producers.map((producer) => (producer === null ? null : hashName(producer.id))),
    producers.map((producer) => producer?.epoch ?? null),
    producers.map((producer) => producer?.sequence ?? null),
    expected.map((one) => (typeof one === 'object' ? one.epoch : null)),
    expected.map((one) => (typeof one === 'object' ? one.offset : one === 'empty' ? 0 : null)),
    windowMs,
  ];
}

/** One outcome for each request; the last row is the log's epoch. */
export function parseOutcomes(
  rows: readonly SqlRow[],
  batch: readonly AppendRequest[],
): readonly AppendOutcome[] {
  if (rows.length !== batch.length + 1) {
    throw new MillraceError('server/internal', 'The database answered with too few rows.');
  }
  const epoch = String(rows.at(-1)?.['in_incarnation']);
  return batch.map(({ channel }, index) => parseOutcome(rows[index] ?? {}, epoch, channel));
}

function parseOutcome(row: SqlRow, epoch: string, channel: string): AppendOutcome {
  const told = Number(row['told']);
  const own = channelEpoch(epoch, row['in_incarnation']);
  switch (row['outcome']) {
    case 'ended':
      return { error: channelEnded(channel) };
    case 'fenced':
      return { error: fenced(told) };
    case 'gap':
      return { error: sequenceGap(told) };
    case 'conflict':
      return { error: headMoved({ epoch: own, offset: toOffset(told) }) };
    default: {
      const cursor: Cursor = { epoch: own, offset: toOffset(told) };
      return { cursor, at: parseTime(row['at_ms']), isDuplicate: row['outcome'] === 'duplicate' };
    }
  }
}

/** A channel's epoch: the log's, and what came after it when the channel was forgotten. */
function channelEpoch(epoch: string, incarnation: unknown): string {
  return typeof incarnation === 'string' && incarnation !== '' ? `${epoch}-${incarnation}` : epoch;
}

/** There is one row at least, also of a channel that nobody appended to. */
export function parsePage(rows: readonly SqlRow[], size: PageSize): LogPage {
  const [top = {}] = rows;
  return {
    epoch: String(top['in_epoch']),
    first: parseOffset(top['first']),
    head: parseOffset(top['head']),
    isEnded: top['is_ended'] === true,
    snapshot: parseSnapshot(top),
    entries: parseEntries(rows, size.maxBytes),
  };
}

/** Where a channel is, as `HEADS` tells. */
export function parseHead(row: SqlRow): { readonly channel: string; readonly hint: AppendHint } {
  return {
    channel: String(row['name']),
    hint: {
      epoch: String(row['in_epoch']),
      head: parseOffset(row['head']),
      isEnded: row['is_ended'] === true,
      // Left for the reader to read, if it is behind.
      entries: [],
    },
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

/**
 * A name of any length and any characters (lone surrogates too, which a database cannot store) in 32 characters:
 * 186 bits at least, so that two never meet. A key's is what the first version made; no hash begins with a point.
 */
function hashName(name: string): string {
  const hash = createHash('sha256').update(name.slice(1), 'utf16le').digest('base64url');
  return name.startsWith('k') ? hash.slice(0, 32) : `.${hash.slice(0, 31)}`;
}
