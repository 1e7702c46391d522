// What the engine keeps in a database, version by version, in a schema of its own. A version that has been
// published is never edited: a later one changes it. A function that nodes of the version before call stays for one
// version more, so that nodes can be updated one after the other. The SQL keeps to PostgreSQL 15.
// Rules: LOG-1 … LOG-6, LOG-8.

import { COMPACT_BY_VERSION } from './compact-channel.ts';
import { EPOCH_INSIDE } from './migration-epoch.ts';
import { PRODUCERS_AND_FORGETTING } from './migration-producers.ts';

/** Index 0 is version 1. Each is run once, in one transaction with the record of it. */
export const MIGRATIONS: readonly string[] = [
  `
  -- Which creation of this database it is. A lost or replaced one is created again, with another token.
  create table millrace.incarnation (
    is_only boolean primary key default true check (is_only),
    token uuid not null default gen_random_uuid()
  );
  insert into millrace.incarnation default values;

  -- Offsets come from updating \`head\`, whose lock orders the appends. A sequence would leave a hole with each
  -- rollback and hand out numbers in another order than that of the commits.
  create table millrace.channel (
    id bigint generated always as identity primary key,
    name text collate "C" not null unique,
    head bigint not null default 0,
    first bigint not null default 1,
    ended_at timestamptz,
    snapshot_offset bigint,
    snapshot_version integer,
    snapshot_text text
  ) with (fillfactor = 50); -- room on the page for the next head, so that no index is touched

  -- No foreign key: only append_batch writes here, with a channel that it holds locked.
  create table millrace.entry (
    channel_id bigint not null,
    event_offset bigint not null,
    accepted_at timestamptz not null,
    body text not null,
    primary key (channel_id, event_offset)
  );

  create table millrace.idempotency_key (
    channel_id bigint not null,
    key_hash text collate "C" not null,
    event_offset bigint not null,
    accepted_at timestamptz not null,
    expires_at timestamptz not null,
    -- The hash first: a plan made while the table was small may use the first column alone, which must be enough.
    primary key (key_hash, channel_id)
  );
  create index idempotency_key_expiry on millrace.idempotency_key (expires_at);

  -- Request n is (channels[n], bodies[n], key_hashes[n]); no body means an end. One call and one round trip a
  -- batch. A function, because each statement in it sees what was committed while it waited for the locks.
  -- Nested loops over indexes only: its plans are kept from when the tables were empty, and any other
  -- plan reads the whole of a table that has grown since (measured: 500 keys took 7 s after a few minutes).
  create function millrace.append_batch(
    channels text[], bodies text[], key_hashes text[], key_window interval, is_notifying boolean
  ) returns table (request bigint, outcome text, at_offset float8, at_ms float8)
  language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  #variable_conflict use_column
  declare
    moment timestamptz;
  begin
    -- Created and locked in the order of names: two batches over the same channels cannot dead-lock.
    insert into millrace.channel (name)
      select distinct wanted.name collate "C"
      from unnest(channels) as wanted (name)
      where not exists (select from millrace.channel known where known.name = wanted.name)
      order by 1
    on conflict do nothing;
    perform from millrace.channel known
      where known.name = any (channels) order by known.name for no key update;
    moment := date_trunc('milliseconds', clock_timestamp());

    return query
    with request as (
      select asked.number, asked.body, asked.key_hash,
        known.id as channel_id, known.head,
        -- Not a condition of the join: it would invite a plan over the index of expiry, through all keys.
        case when used.expires_at > moment then used.event_offset end as used_offset,
        case when used.expires_at > moment then used.accepted_at end as used_at,
        known.ended_at is not null or coalesce(bool_or(asked.body is null) over (
          partition by known.id order by asked.number rows between unbounded preceding and 1 preceding
        ), false) as was_ended,
        row_number() over (partition by known.id, asked.key_hash order by asked.number) as use
      from unnest(channels, bodies, key_hashes) with ordinality as asked (name, body, key_hash, number)
      join millrace.channel known on known.name = asked.name
      left join millrace.idempotency_key used
        on used.channel_id = known.id and used.key_hash = asked.key_hash
    ),
    judged as (
      select *, case
        when body is null then case when was_ended then 'end again' else 'end' end
        when used_offset is not null then 'used'
        when key_hash is not null and use > 1 then 'repeated'
        when was_ended then 'refused'
        else 'new'
      end as kind
      from request
    ),
    numbered as (
      select *, head + count(*) filter (where kind = 'new') over (
        partition by channel_id order by number
      ) as reached
      from judged
    ),
    answered as (
      select *, case kind
        when 'used' then used_offset
        when 'repeated' then first_value(case when kind = 'new' then reached end) over (
          partition by channel_id, key_hash order by number
        )
        when 'refused' then null
        else reached
      end as answer
      from numbered
    ),
    stored as (
      insert into millrace.entry (channel_id, event_offset, accepted_at, body)
        select channel_id, reached, moment, body from numbered where kind = 'new'
    ),
    keyed as (
      insert into millrace.idempotency_key (channel_id, key_hash, event_offset, accepted_at, expires_at)
        select channel_id, key_hash, reached, moment, moment + key_window
        from numbered where kind = 'new' and key_hash is not null
      on conflict (key_hash, channel_id) do update set
        event_offset = excluded.event_offset,
        accepted_at = excluded.accepted_at,
        expires_at = excluded.expires_at
    ),
    advanced as (
      update millrace.channel changed
        set head = reach.head, ended_at = coalesce(changed.ended_at, reach.ended_at)
        from (
          select channel_id, max(reached) as head,
            case when bool_or(kind = 'end') then moment end as ended_at
          from numbered where kind in ('new', 'end') group by channel_id
        ) reach
        where changed.id = reach.channel_id
    )
    select number,
      case when answer is null then 'refused' when kind in ('new', 'end') then 'new' else 'duplicate' end,
      answer::float8,
      (extract(epoch from coalesce(used_at, moment)) * 1000)::float8
    from answered order by number;

    if is_notifying then
      perform pg_notify('millrace_log', concat_ws(' ', head, ended_at is not null, name))
        from millrace.channel where name = any (channels) order by name;
    end if;
  end
  $$;

  -- Answers how many entries went; -1 when the snapshot is of a future that this channel does not have.
  create function millrace.compact_channel(
    channel_name text, size bigint, max_age interval, needs_snapshot boolean,
    new_offset bigint, new_version integer, new_text text, max_rows bigint
  ) returns integer
  language plpgsql set enable_seqscan = off as $$
  declare
    kept millrace.channel;
    young bigint;
    first_kept bigint;
    trimmed integer;
  begin
    select * into kept from millrace.channel where name = channel_name for no key update;
    if not found then
      return case when new_offset > 0 then -1 else 0 end;
    end if;
    if new_offset > kept.head then
      return -1;
    end if;
    if new_offset >= coalesce(kept.snapshot_offset, 0) then
      kept.snapshot_offset := new_offset;
      update millrace.channel
        set snapshot_offset = new_offset, snapshot_version = new_version, snapshot_text = new_text
        where id = kept.id;
    end if;

    select event_offset into young from millrace.entry
      where channel_id = kept.id and accepted_at >= clock_timestamp() - max_age
      order by event_offset limit 1;
    first_kept := greatest(kept.head - size + 1, coalesce(young, kept.head + 1));
    if needs_snapshot then
      first_kept := least(first_kept, coalesce(kept.snapshot_offset, 0) + 1);
    end if;
    first_kept := least(first_kept, kept.first + max_rows);
    if first_kept <= kept.first then
      return 0;
    end if;
    delete from millrace.entry where channel_id = kept.id and event_offset < first_kept;
    get diagnostics trimmed = row_count;
    update millrace.channel set first = first_kept where id = kept.id;
    return trimmed;
  end
  $$;
  `,
  PRODUCERS_AND_FORGETTING,
  COMPACT_BY_VERSION,
  EPOCH_INSIDE,
];
