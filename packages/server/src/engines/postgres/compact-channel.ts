// Version 3 of the schema: `compact_channel` as a compare-and-set of the stored snapshot. Rules: LOG-8, LOG-8a.

/** The row's lock orders compactions of one channel; what it compares is what the one before has committed. */
export const COMPACT_BY_VERSION = `
  drop function millrace.compact_channel(text, bigint, interval, boolean, bigint, integer, text, bigint);

  -- Answers how many entries went; -1 when the snapshot is of a future that this channel does not have.
  create function millrace.compact_channel(
    channel_name text, size bigint, max_age interval, needs_snapshot boolean,
    of_incarnation text, new_offset bigint, new_version integer, new_text text, max_rows bigint
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
    if of_incarnation <> kept.incarnation then
      -- Forgotten since: what it holds is of nobody's any more.
      new_offset := null;
    end if;
    if new_offset > kept.head then
      return -1;
    end if;
    -- A lower version comes late, or from a node that is still to be updated; and from before the first kept entry
    -- nobody could fold on.
    if new_offset >= kept.first - 1 and (
      kept.snapshot_offset is null
      or (new_version, new_offset) >= (kept.snapshot_version, kept.snapshot_offset)
    ) then
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
`;
