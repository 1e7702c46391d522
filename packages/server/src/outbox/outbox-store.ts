// The outbox's statements: writing in somebody's transaction, looking, the lease, taking, settling. Each is one
// statement and one round trip. Refuses to own: when any of them is run. Numbers are cast to float8, see rows.ts.
// Rules: OUT-2 … OUT-5.

import type { MillraceError } from '@millrace/protocol';
import type { SqlDatabase, SqlRow } from '../seams/database.ts';
import { type OutboxRow, parseRow } from './outbox-row.ts';

/** NOTIFY channel of whoever relays. */
export const OUTBOX_NOTIFIED = 'millrace_outbox';

/** One text, since not every driver that a user may have writes lists as PostgreSQL reads them. */
export const WRITE: string = `
  insert into millrace.outbox (channel, kind, body, conditions)
  select asked.channel, asked.kind, asked.body, asked.conditions
  from rows from (
    json_to_recordset($1::text::json) as (channel text, kind text, body text, conditions text)
  ) with ordinality as asked (channel, kind, body, conditions, place)
  order by asked.place`;

/** Never in the transaction of the rows: commits that notify wait for each other. */
const TELL = `select pg_notify('${OUTBOX_NOTIFIED}', '')`;

/** The clock may have been set back since: then a lease of the future would be nobody's for hours. */
const IS_LAPSED = `renewed_at not between clock_timestamp() - $2::float8 * interval '1 millisecond'
  and clock_timestamp() + $2::float8 * interval '1 millisecond'`;
/** Given up, or of before the database was started: an embedded one took its holder with it. */
const IS_FREE = `(holder is null or renewed_at < pg_postmaster_start_time())`;

const LOOK = `select
    (select count(*) from (select from millrace.outbox limit $3) waiting)::float8 as waiting,
    (select extract(epoch from clock_timestamp() - written_at) * 1000 from millrace.outbox
      order by id limit 1)::float8 as oldest_ms,
    (select count(*) from (select from millrace.outbox_refused limit $3) refused)::float8 as refused,
    coalesce(holder = $1::uuid, false) as is_own, ${IS_FREE} as is_free, ${IS_LAPSED} as is_lapsed
  from millrace.outbox_relay`;

const CLAIM = `update millrace.outbox_relay set holder = $1::uuid, renewed_at = clock_timestamp()
  where holder = $1::uuid or ${IS_FREE} or ${IS_LAPSED}
  returning true as is_own`;

const RENEW = `update millrace.outbox_relay set renewed_at = clock_timestamp()
  where holder = $1::uuid returning true as is_own`;

const GIVE_UP = `update millrace.outbox_relay set holder = null where holder = $1::uuid`;

const TAKEN_AT = `(extract(epoch from relay.taken_at) * 1000)::float8 as taken_at_ms,
  (extract(epoch from clock_timestamp() - relay.taken_at) * 1000)::float8 as age_ms`;
const ROW = 'row.id::float8, row.channel, row.kind, row.body, row.conditions';

/** What whoever had the lease before may have appended already. */
const INHERIT = `select ${ROW}, ${TAKEN_AT}, true as is_more
  from millrace.outbox_relay relay join millrace.outbox row on row.id = any (relay.taken)
  where relay.holder = $1::uuid
  order by row.id`;

/**
 * The first ones, up to a number and size, and a forgetting by itself: it takes keys with it, so nothing may have to be
 * repeated together with it. No row at all: the lease is somebody else's.
 */
const TAKE = `
  with waiting as (
    select id, channel, kind, body, conditions from millrace.outbox order by id limit $2
  ),
  measured as (
    select *, row_number() over before as place,
      sum(coalesce(octet_length(body), 0)) over before as bytes,
      count(*) filter (where kind = 'forget') over before as forgets
    from waiting
    window before as (order by id)
  ),
  batch as materialized (
    select * from measured where place = 1 or (forgets = 0 and bytes <= $3)
  ),
  relay as (
    update millrace.outbox_relay
      set renewed_at = clock_timestamp(), taken_at = clock_timestamp(),
        taken = array(select id from batch order by id)
      where holder = $1::uuid
      returning taken_at
  )
  select ${ROW}, ${TAKEN_AT},
    (select max(id) from millrace.outbox) > (select max(id) from batch) as is_more
  from relay left join batch row on true
  order by row.id`;

/** These are to be appended after all, as if they were taken now. */
const TAKE_AGAIN = `update millrace.outbox_relay relay
  set renewed_at = clock_timestamp(), taken_at = clock_timestamp(), taken = $2::bigint[]
  where holder = $1::uuid
  returning ${TAKEN_AT}`;

/** Only rows that still stand there are moved: another relay may have settled them. */
const SETTLE = `
  with settled as (delete from millrace.outbox where id = any ($1::bigint[]) returning *),
  moved as (
    insert into millrace.outbox_refused (id, channel, kind, body, conditions, written_at, code, reason)
    select settled.id, channel, kind, body, conditions, written_at, refused.code, refused.reason
    from settled join unnest($2::bigint[], $3::text[], $4::text[]) as refused (id, code, reason)
      on refused.id = settled.id
    returning 1
  )
  select (select count(*) from settled)::float8 as settled, (select count(*) from moved)::float8 as moved`;

const NEWEST = 'select max(id)::float8 as newest from millrace.outbox';
const WAITING = 'select exists (select from millrace.outbox where id <= $1::bigint) as is_waiting';

const FORGET_REFUSED = `delete from millrace.outbox_refused
  where refused_at < clock_timestamp() - interval '30 days'`;

const VACUUM = 'vacuum millrace.outbox, millrace.outbox_relay, millrace.outbox_refused';

export interface OutboxLook {
  /** Rows that were committed and not yet appended; counted up to a bound. */
  readonly waiting: number;
  /** How long ago the oldest of them was written, ms; 0 when none waits. */
  readonly oldestMs: number;
  readonly refused: number;
  /** Whether the lease is this hub's; nobody's; out of time. */
  readonly isOwn: boolean;
  readonly isFree: boolean;
  readonly isLapsed: boolean;
}

export interface TakenRows {
  readonly rows: readonly OutboxRow[];
  /** By the database's clock, ms since 1970. */
  readonly takenAtMs: number;
  /** How long ago that was, ms. */
  readonly ageMs: number;
  /** Whether others wait behind them. */
  readonly isMore: boolean;
}

export interface RefusedRow {
  readonly row: OutboxRow;
  readonly error: MillraceError;
}

export interface OutboxStore {
  look(): Promise<OutboxLook>;
  /** Whether the lease is this hub's now. */
  claim(): Promise<boolean>;
  renew(): Promise<boolean>;
  giveUp(): Promise<void>;
  /** Null where nothing is left of what was taken before. */
  inherit(): Promise<TakenRows | null>;
  /** Null where the lease was lost. */
  take(): Promise<TakenRows | null>;
  takeAgain(rows: readonly OutboxRow[]): Promise<TakenRows | null>;
  /** Deletes the rows; keeps those that were refused aside. */
  settle(rows: readonly OutboxRow[], refused: readonly RefusedRow[]): Promise<void>;
  /** Tells whoever relays that rows are on their way. */
  tell(): Promise<void>;
  /** The highest id that waits; null when none does. */
  newest(): Promise<number | null>;
  /** Whether one up to that id waits. */
  isWaiting(upTo: number): Promise<boolean>;
  vacuum(): Promise<void>;
}

export interface OutboxStoreOptions {
  readonly database: SqlDatabase;
  /** Who asks for the lease: a UUID. */
  readonly holder: string;
  readonly leaseMs: number;
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Rows are counted up to this. */
  readonly maxCounted: number;
}

export function outboxStore(options: OutboxStoreOptions): OutboxStore {
  const { database, holder, leaseMs, maxRows, maxBytes, maxCounted } = options;

  async function isOwnAfter(sql: string, params: readonly unknown[]): Promise<boolean> {
    return (await database.query(sql, params)).length > 0;
  }

  return {
    async look() {
      const [row] = await database.query(LOOK, [holder, leaseMs, maxCounted]);
      return {
        waiting: Number(row?.['waiting']),
        oldestMs: Number(row?.['oldest_ms'] ?? 0),
        refused: Number(row?.['refused']),
        isOwn: row?.['is_own'] === true,
        isFree: row?.['is_free'] === true,
        isLapsed: row?.['is_lapsed'] === true,
      };
    },
    claim: () => isOwnAfter(CLAIM, [holder, leaseMs]),
    renew: () => isOwnAfter(RENEW, [holder]),
    async tell() {
      await database.query(TELL, []);
    },
    async giveUp() {
      await database.query(GIVE_UP, [holder]);
    },
    async inherit() {
      return parseTaken(await database.query(INHERIT, [holder]));
    },
    async take() {
      return parseTaken(await database.query(TAKE, [holder, maxRows, maxBytes]));
    },
    async takeAgain(rows) {
      const [row] = await database.query(TAKE_AGAIN, [holder, rows.map(({ id }) => id)]);
      const taken = row === undefined ? null : parseTaken([row]);
      return taken === null ? null : { ...taken, rows, isMore: true };
    },
    async settle(rows, refused) {
      await database.query(SETTLE, [
        rows.map(({ id }) => id),
        refused.map(({ row }) => row.id),
        refused.map(({ error }) => error.code),
        // A text of a database has no such character.
        refused.map(({ error }) => error.message.replaceAll('\0', '')),
      ]);
      if (refused.length > 0) await database.query(FORGET_REFUSED, []);
    },
    async newest() {
      const [row] = await database.query(NEWEST, []);
      return typeof row?.['newest'] === 'number' ? row['newest'] : null;
    },
    async isWaiting(upTo) {
      const [row] = await database.query(WAITING, [upTo]);
      return row?.['is_waiting'] === true;
    },
    async vacuum() {
      await database.query(VACUUM);
    },
  };
}

function parseTaken(rows: readonly SqlRow[]): TakenRows | null {
  const [top] = rows;
  if (top === undefined) return null;
  return {
    rows: rows.filter(({ id }) => typeof id === 'number').map(parseRow),
    // What it is compared with is in whole milliseconds.
    takenAtMs: Math.floor(Number(top['taken_at_ms'])),
    ageMs: Number(top['age_ms']),
    isMore: top['is_more'] === true,
  };
}
