// Version 4 of what the engine keeps: the epoch is established inside the functions that append, read and compact, so
// that no belief of a connection's can be stale, and the heads of many channels are looked up at once.
// Rules: LOG-7, LOG-14, LOG-15.
//
// An epoch names: the token (which creation of the schema), the system identifier (which database cluster), the
// timeline (which branch after a failover or a restore), and, where they differ from the seal, the marks: which
// database of the cluster, which tables, and which transaction wrote the token. A dump that is put back has the token
// and the seal of the one it was made from, but other marks. As long as the marks are the sealed ones the epoch is
// what it was before this version, so that the cursors of a database that was kept stay good.

/** What a copy of the rows does not take with it. `xmin` stays through freezing, VACUUM FULL and a base backup. */
const MARKS = `concat_ws(' ',
      (select oid from pg_database where datname = current_database()),
      'millrace.incarnation'::regclass::oid, 'millrace.channel'::regclass::oid, 'millrace.entry'::regclass::oid,`;

/** Kept apart from a plan that reads a whole table, from JIT (which such a plan's price would call), from endless locks. */
const PLANNED = `set lock_timeout = '3s' set jit = off
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off`;

export const EPOCH_INSIDE: string = `
  alter table millrace.incarnation add column seal text not null default '';
  update millrace.incarnation set seal = ${MARKS} pg_current_xact_id()::xid);

  -- Needs execution of pg_control_system, pg_current_wal_lsn and pg_walfile_name, which everybody has unless it was
  -- taken away. On a standby it fails: there nobody can append, and what is read may be behind.
  create function millrace.epoch() returns text language plpgsql stable as $$
  declare
    identity text;
  begin
    select concat_ws(' ', made.token, control.system_identifier,
        ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer,
        nullif(${MARKS} made.xmin), made.seal))
      into identity from millrace.incarnation made, pg_control_system() control;
    if identity is null then
      raise exception 'the log is being made anew' using errcode = '40001';
    end if;
    return left(translate(encode(sha256(convert_to(identity, 'UTF8')), 'base64'), '+/', '-_'), 16);
  end
  $$;

  -- A channel's epoch is the log's, and what came after it when the channel was forgotten.
  create function millrace.channel_epoch(own text, incarnation text) returns text
  language sql immutable as $$ select own || coalesce('-' || nullif(incarnation, ''), '') $$;

  -- The other way; for an epoch that is not of this log, something that no channel has.
  create function millrace.incarnation_in(own text, told text) returns text
  language sql immutable as $$
    select case
      when told is null then null
      when told = own then ''
      when starts_with(told, own || '-') then substr(told, length(own) + 2)
      else 'of another log'
    end
  $$;

  -- Whoever takes events or channels away behind the log's back makes it another log.
  create function millrace.renew() returns trigger language plpgsql as $$
  begin
    update millrace.incarnation set token = gen_random_uuid();
    return null;
  end
  $$;
  create trigger renewed_by_delete after delete on millrace.channel
    for each statement execute function millrace.renew();
  create trigger renewed_by_truncate after truncate on millrace.channel
    for each statement execute function millrace.renew();
  create trigger renewed_by_truncate after truncate on millrace.entry
    for each statement execute function millrace.renew();

  -- As append_batch, with epochs in place of incarnations; the last row is the log's epoch, read once the channels
  -- are locked: who renews it has to wait for them, or had done so before.
  create function millrace.append_events(
    channels text[], bodies text[], producer_hashes text[], producer_epochs bigint[], sequences bigint[],
    expected_epochs text[], expected_offsets bigint[], producer_window interval
  ) returns table (request bigint, outcome text, told float8, at_ms float8, in_incarnation text)
  language plpgsql ${PLANNED} as $$
  #variable_conflict use_column
  declare
    before text;
    own text;
    expected_incarnations text[] := expected_epochs;
  begin
    if current_setting('synchronous_commit') = 'off' then
      -- A crash would take back what was answered, and give its offsets to others.
      perform set_config('synchronous_commit', 'on', true);
    end if;
    if num_nonnulls(variadic expected_epochs) > 0 then
      before := millrace.epoch();
      select array_agg(millrace.incarnation_in(before, expected.told) order by expected.number)
        into expected_incarnations from unnest(expected_epochs) with ordinality as expected (told, number);
    end if;
    return query select * from millrace.append_batch(
      channels, bodies, producer_hashes, producer_epochs, sequences,
      expected_incarnations, expected_offsets, producer_window, false);
    own := millrace.epoch();
    if before <> own then
      raise exception 'the log was made anew' using errcode = '40001';
    end if;
    return query select null::bigint, 'epoch', null::float8, null::float8, own;
  end
  $$;

  -- One row at least; what is the same in all stands in the first alone, since a snapshot can be large. Stable: the
  -- epoch and the entries are of one moment.
  create function millrace.read_page(channel_name text, after bigint, max_events bigint, max_bytes float8)
  returns table (
    in_epoch text, head float8, first float8, is_ended boolean,
    snapshot_offset float8, snapshot_version float8, snapshot_text text,
    event_offset float8, at_ms float8, body text
  ) language plpgsql stable ${PLANNED} as $$
  #variable_conflict use_column
  declare
    known millrace.channel;
    own text := millrace.epoch();
  begin
    select * into known from millrace.channel where name = channel_name;
    return query
      select case when place = 1 then millrace.channel_epoch(own, known.incarnation) end,
        coalesce(known.head, 0)::float8, coalesce(known.first, 1)::float8, known.ended_at is not null,
        known.snapshot_offset::float8, known.snapshot_version::float8,
        case when place = 1 then known.snapshot_text end,
        page.event_offset::float8, (extract(epoch from page.accepted_at) * 1000)::float8, page.body
      from (select 1) always
      left join (
        select *, row_number() over sized as number, sum(octet_length(body)) over sized as bytes
        from (
          select event_offset, accepted_at, body from millrace.entry
          where channel_id = known.id and event_offset > after
          order by event_offset limit max_events
        ) kept
        window sized as (order by event_offset)
      ) page on page.number = 1 or page.bytes <= max_bytes
      cross join lateral (select coalesce(page.number, 1) as place) counted
      order by page.event_offset;
  end
  $$;

  -- Where the channels are, also those that nobody appended to: a log that was made anew has another epoch for them.
  create function millrace.heads(names text[])
  returns table (name text, in_epoch text, head float8, is_ended boolean)
  language plpgsql stable ${PLANNED} as $$
  #variable_conflict use_column
  declare
    own text := millrace.epoch();
  begin
    return query
      select wanted.name, millrace.channel_epoch(own, known.incarnation),
        coalesce(known.head, 0)::float8, known.ended_at is not null
      from unnest(names) as wanted (name)
      left join millrace.channel known on known.name = wanted.name;
  end
  $$;

  -- As compact_channel, with an epoch in place of an incarnation.
  create function millrace.compact(
    channel_name text, size bigint, max_age interval, needs_snapshot boolean,
    of_epoch text, new_offset bigint, new_version integer, new_text text, max_rows bigint
  ) returns float8
  language plpgsql ${PLANNED} as $$
  declare
    before text := millrace.epoch();
    trimmed integer;
  begin
    trimmed := millrace.compact_channel(channel_name, size, max_age, needs_snapshot,
      millrace.incarnation_in(before, of_epoch), new_offset, new_version, new_text, max_rows);
    if before <> millrace.epoch() then
      raise exception 'the log was made anew' using errcode = '40001';
    end if;
    return trimmed;
  end
  $$;

  -- As before, but for what it tells and how long it waits.
  create or replace function millrace.forget_channel(channel_name text) returns bigint
  language plpgsql ${PLANNED} as $$
  declare
    forgotten millrace.channel;
    erased bigint;
  begin
    select * into forgotten from millrace.channel where name = channel_name for no key update;
    if not found or (forgotten.head = 0 and forgotten.ended_at is null) then
      return 0;
    end if;
    delete from millrace.entry where channel_id = forgotten.id;
    get diagnostics erased = row_count;
    -- Another id: its producers are found no more, and go with their time. They are hashes.
    update millrace.channel
      set id = default, head = 0, first = 1, ended_at = null,
        snapshot_offset = null, snapshot_version = null, snapshot_text = null,
        incarnation = left(replace(gen_random_uuid()::text, '-', ''), 12)
      where id = forgotten.id;
    perform pg_notify('millrace_log', json_build_array('', json_build_array(json_build_array(
        name, millrace.channel_epoch(millrace.epoch(), incarnation), 0, false
      )))::text)
      from millrace.channel where name = channel_name;
    return erased;
  end
  $$;
`;
