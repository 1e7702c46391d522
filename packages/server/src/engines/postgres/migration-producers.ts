// Version 2 of what the engine keeps: producers, expected heads, forgetting. One text, since it is one migration.
// Rules: LOG-5, LOG-6, LOG-12 … LOG-14.

export const PRODUCERS_AND_FORGETTING = `
  -- What follows the database's own epoch in this channel's; forgetting draws another, so that none comes twice.
  -- A forgotten channel keeps its row with nothing but this and the name.
  alter table millrace.channel add column incarnation text collate "C" not null default '';

  -- An idempotency key is a producer that is used once.
  alter table millrace.idempotency_key rename to producer;
  alter table millrace.producer rename column key_hash to name_hash;
  alter table millrace.producer
    add column producer_epoch bigint not null default 0,
    add column sequence bigint not null default 1;
  alter index millrace.idempotency_key_pkey rename to producer_pkey;
  alter index millrace.idempotency_key_expiry rename to producer_expiry;

  drop function millrace.append_batch(text[], text[], text[], interval, boolean);

  -- Request n is the n-th of each list; no body means an end, no producer_hash neither key nor producer, no
  -- expected_offset any head, no expected_incarnation any epoch. One call and one round trip a batch. A function,
  -- because each statement in it sees what was committed while it waited for the locks. Nested loops over indexes
  -- only: its plans are kept from when the tables were empty, and any other plan reads the whole of a table that has
  -- grown since (measured: 500 keys took 7 s after a few minutes).
  -- Told: the offset that was given, or where the head is ('conflict'), the sequence that is next ('gap'), the epoch
  -- that is newer ('fenced').
  create function millrace.append_batch(
    channels text[], bodies text[], producer_hashes text[], producer_epochs bigint[], sequences bigint[],
    expected_incarnations text[], expected_offsets bigint[], producer_window interval, is_notifying boolean
  ) returns table (request bigint, outcome text, told float8, at_ms float8, in_incarnation text)
  language plpgsql
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
  #variable_conflict use_column
  declare
    moment timestamptz;
    -- By request: its channel's and producer's place, which is the number of the first request with the same.
    channel_places int[]; producer_places int[];
    -- By channel's place.
    ids bigint[]; incarnations text[]; heads bigint[]; endings boolean[];
    -- By producer's place: its last event. Touched: it has a new one.
    last_epochs bigint[]; last_sequences bigint[]; last_offsets bigint[]; last_times timestamptz[];
    touched boolean[];
    -- By request: what became of it.
    kinds text[]; answers bigint[]; times timestamptz[];
    c int; p int; next_sequence bigint;
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

    if num_nonnulls(variadic producer_hashes) = 0 and num_nonnulls(variadic expected_offsets) = 0 then
      -- Nothing to check but the end: all at once.
      return query
      with request as (
        select asked.number, asked.body, known.id as channel_id, known.head, known.incarnation,
          known.ended_at is not null or coalesce(bool_or(asked.body is null) over (
            partition by known.id order by asked.number rows between unbounded preceding and 1 preceding
          ), false) as was_ended
        from unnest(channels, bodies) with ordinality as asked (name, body, number)
        join millrace.channel known on known.name = asked.name
      ),
      judged as (
        select *, case
          when body is null then case when was_ended then 'duplicate' else 'end' end
          when was_ended then 'ended'
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
      stored as (
        insert into millrace.entry (channel_id, event_offset, accepted_at, body)
          select channel_id, reached, moment, body from numbered where kind = 'new'
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
      select number, kind, reached::float8, (extract(epoch from moment) * 1000)::float8, incarnation
      from numbered order by number;
    else
      -- Each request may depend on what became of the one before: one after the other, in memory.
      select array_agg(channel_place), array_agg(producer_place),
          array_agg(id), array_agg(incarnation), array_agg(head), array_agg(is_ended),
          array_agg(last_epoch), array_agg(last_sequence), array_agg(last_offset), array_agg(last_time)
        into channel_places, producer_places, ids, incarnations, heads, endings,
          last_epochs, last_sequences, last_offsets, last_times
      from (
        select known.id, known.incarnation, known.head, known.ended_at is not null as is_ended,
          min(asked.number) over (partition by known.id)::int as channel_place,
          min(asked.number) over (partition by known.id, asked.producer_hash)::int as producer_place,
          -- Expiry is no condition of the join: it would invite a plan over its index, through all producers.
          case when used.expires_at > moment then used.producer_epoch end as last_epoch,
          case when used.expires_at > moment then used.sequence end as last_sequence,
          case when used.expires_at > moment then used.event_offset end as last_offset,
          case when used.expires_at > moment then used.accepted_at end as last_time
        from unnest(channels, producer_hashes) with ordinality as asked (name, producer_hash, number)
        join millrace.channel known on known.name = asked.name
        left join millrace.producer used
          on used.channel_id = known.id and used.name_hash = asked.producer_hash
        order by asked.number
      ) batch;
      touched := array_fill(false, array[cardinality(channels)]);
      kinds := array_fill(null::text, array[cardinality(channels)]);
      answers := array_fill(null::bigint, array[cardinality(channels)]);
      times := array_fill(moment, array[cardinality(channels)]);

      for n in 1 .. cardinality(channels) loop
        c := channel_places[n];
        if bodies[n] is null then
          kinds[n] := case when endings[c] then 'duplicate' else 'end' end;
          answers[n] := heads[c];
          endings[c] := true;
          continue;
        end if;
        if producer_hashes[n] is not null then
          p := producer_places[n];
          if producer_epochs[n] < last_epochs[p] then
            kinds[n] := 'fenced';
            answers[n] := last_epochs[p];
            continue;
          end if;
          if producer_epochs[n] = last_epochs[p] and sequences[n] <= last_sequences[p] then
            kinds[n] := 'duplicate';
            answers[n] := last_offsets[p];
            times[n] := last_times[p];
            continue;
          end if;
        end if;
        if endings[c] then
          kinds[n] := 'ended';
          continue;
        end if;
        if producer_hashes[n] is not null then
          next_sequence := case when producer_epochs[n] = last_epochs[p] then last_sequences[p] + 1 else 1 end;
          if sequences[n] <> next_sequence then
            kinds[n] := 'gap';
            answers[n] := next_sequence;
            continue;
          end if;
        end if;
        if expected_offsets[n] <> heads[c] or expected_incarnations[n] <> incarnations[c] then
          kinds[n] := 'conflict';
          answers[n] := heads[c];
          continue;
        end if;
        kinds[n] := 'new';
        heads[c] := heads[c] + 1;
        answers[n] := heads[c];
        if producer_hashes[n] is not null then
          last_epochs[p] := producer_epochs[n];
          last_sequences[p] := sequences[n];
          last_offsets[p] := heads[c];
          last_times[p] := moment;
          touched[p] := true;
        end if;
      end loop;

      insert into millrace.entry (channel_id, event_offset, accepted_at, body)
        select made.id, made.answer, moment, made.body
        from unnest(ids, answers, kinds, bodies) as made (id, answer, kind, body) where made.kind = 'new';
      -- Expires up to a tenth late, so that one who publishes all the time moves no index each time.
      insert into millrace.producer as kept
          (channel_id, name_hash, producer_epoch, sequence, event_offset, accepted_at, expires_at)
        select used.id, used.hash, used.epoch, used.sequence, used.event_offset, moment, moment + producer_window * 1.1
        from unnest(ids, producer_hashes, last_epochs, last_sequences, last_offsets, touched)
          as used (id, hash, epoch, sequence, event_offset, is_touched) where used.is_touched
      on conflict (name_hash, channel_id) do update set
        producer_epoch = excluded.producer_epoch,
        sequence = excluded.sequence,
        event_offset = excluded.event_offset,
        accepted_at = excluded.accepted_at,
        expires_at = case when kept.expires_at < moment + producer_window
          then excluded.expires_at else kept.expires_at end;
      update millrace.channel changed
        set head = reach.head, ended_at = case when reach.is_ended then coalesce(changed.ended_at, moment) end
        from unnest(ids, heads, endings, channel_places) with ordinality
          as reach (id, head, is_ended, place, number)
        where reach.place = reach.number and changed.id = reach.id
          and (changed.head <> reach.head or reach.is_ended <> (changed.ended_at is not null));
      return query
        select made.number, made.kind, made.answer::float8,
          (extract(epoch from made.moment) * 1000)::float8, made.incarnation
        from unnest(kinds, answers, times, incarnations) with ordinality
          as made (kind, answer, moment, incarnation, number)
        order by made.number;
    end if;

    if is_notifying then
      perform pg_notify('millrace_log', concat_ws(' ', head, ended_at is not null, incarnation, name))
        from millrace.channel where name = any (channels) order by name;
    end if;
  end
  $$;

  -- Answers how many entries went. Does nothing to a channel that nobody appended to.
  create function millrace.forget_channel(channel_name text) returns bigint
  language plpgsql set enable_seqscan = off as $$
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
    perform pg_notify('millrace_log', concat_ws(' ', head, ended_at is not null, incarnation, name))
      from millrace.channel where name = channel_name;
    return erased;
  end
  $$;
  `;
