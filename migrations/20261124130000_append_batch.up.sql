-- Appends a batch of commands' events as one statement, like append_events, which older programs go on using. The lock
-- is taken first; each statement below then sees everything committed (READ COMMITTED), so versions and command ids are
-- checked exactly, positions come from the index without a gap, and one command's conflict never fails its neighbours.
--
-- A stream that is said to begin here is not looked up unless `p_careful`: if it began before, the primary key ends the
-- whole statement, and the caller asks again with care. That is rare, and a look-up for each stream is a tenth of the work.
--
-- In: one array element for each command (its id, its stream, the sequence its first event claims) and for each event
-- (`p_command` numbers its command from 1). The caller puts no stream and no command id twice in a batch.
-- Out: the last position before the batch. Nearly always every command is appended after it, in order, and that is the
-- whole answer; else `done` and `stale` tell for each command where it was done before, and whether its stream moved on.
-- Neither was appended then.
CREATE FUNCTION append_batch(
    p_command_id     uuid[],
    p_aggregate_type text[],
    p_aggregate_id   text[],
    p_first          bigint[],
    p_command        int[],
    p_sequence       bigint[],
    p_event_id       uuid[],
    p_event_type     text[],
    p_event_version  text[],
    p_payload        text[],
    p_metadata       text[],
    p_careful        boolean,
    OUT base         bigint,
    OUT done         bigint[],
    OUT stale        boolean[]
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    now_ts timestamptz;
    odd    boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(7370712601);
    SELECT coalesce((SELECT max(e.position) FROM events e), 0),
           EXISTS (SELECT FROM events e WHERE e.command_id = ANY (p_command_id))
        OR EXISTS (SELECT FROM generate_series(1, cardinality(p_command_id)) AS c
                    WHERE (p_careful OR p_first[c] > 1)
                      AND p_first[c] <> 1 + coalesce((SELECT max(e.sequence) FROM events e
                          WHERE e.aggregate_type = p_aggregate_type[c] AND e.aggregate_id = p_aggregate_id[c]), 0))
      INTO base, odd;
    now_ts := clock_timestamp();

    IF NOT odd THEN
        INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                            metadata, position, event_id, command_id, recorded_at)
        SELECT p_aggregate_type[p_command[i]], p_aggregate_id[p_command[i]], p_sequence[i], p_event_type[i],
               p_event_version[i], p_payload[i]::json, p_metadata[i]::json, base + i, p_event_id[i],
               p_command_id[p_command[i]], now_ts
          FROM generate_series(1, cardinality(p_command)) AS i;
        RETURN;
    END IF;

    -- `+ 0` keeps the planner from walking the index of positions for a command id.
    SELECT array_agg((SELECT max(e.position + 0) FROM events e WHERE e.command_id = p_command_id[c]) ORDER BY c),
           array_agg(p_first[c] <> 1 + coalesce((SELECT max(e.sequence) FROM events e
                     WHERE e.aggregate_type = p_aggregate_type[c] AND e.aggregate_id = p_aggregate_id[c]), 0) ORDER BY c)
      INTO done, stale
      FROM generate_series(1, cardinality(p_command_id)) AS c;
    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                        metadata, position, event_id, command_id, recorded_at)
    SELECT p_aggregate_type[p_command[i]], p_aggregate_id[p_command[i]], p_sequence[i], p_event_type[i],
           p_event_version[i], p_payload[i]::json, p_metadata[i]::json, base + row_number() OVER (ORDER BY i),
           p_event_id[i], p_command_id[p_command[i]], now_ts
      FROM generate_series(1, cardinality(p_command)) AS i
     WHERE done[p_command[i]] IS NULL AND NOT stale[p_command[i]];
END
$$;

-- Where the migrating login could not make roles there is nobody to grant it to.
DO $$
BEGIN
    GRANT EXECUTE ON FUNCTION append_batch TO vara_writer;
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;
