-- The same promises as before in half the statements: one check of all commands, and where nothing is done before or
-- stale (nearly always) one plain insert whose answer is arithmetic. Array elements are reached by number, so the plans do
-- not depend on how long the arrays are and are made once for each connection; `+ 0` keeps the planner from walking the
-- index of positions for a command id.
CREATE OR REPLACE FUNCTION append_events(
    p_command        int[],
    p_aggregate_type text[],
    p_aggregate_id   text[],
    p_sequence       bigint[],
    p_event_type     text[],
    p_event_version  text[],
    p_payload        text[],
    p_metadata       text[],
    p_event_id       uuid[],
    p_command_ids    uuid[]
) RETURNS TABLE (command int, outcome text, last_position bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    base   bigint;
    now_ts timestamptz;
    -- For each command, from 1: the position at which it was done before; whether its stream moved on.
    done   bigint[];
    stale  boolean[];
BEGIN
    PERFORM pg_advisory_xact_lock(7370712601);
    SELECT coalesce((SELECT max(e.position) FROM events e), 0),
           array_agg((SELECT max(e.position + 0) FROM events e
                       WHERE e.command_id = p_command_ids[f.command + 1]) ORDER BY f.command),
           array_agg(p_sequence[f.first] <> 1 + coalesce(
                     (SELECT max(e.sequence) FROM events e
                       WHERE e.aggregate_type = p_aggregate_type[f.first]
                         AND e.aggregate_id = p_aggregate_id[f.first]), 0) ORDER BY f.command)
      INTO base, done, stale
      FROM (SELECT p_command[i] AS command, min(i) AS first
              FROM generate_series(1, cardinality(p_command)) AS i GROUP BY 1) AS f;
    now_ts := clock_timestamp();

    IF array_remove(done, NULL) = '{}' AND NOT true = ANY (stale) THEN
        INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                            metadata, position, event_id, command_id, recorded_at)
        SELECT p_aggregate_type[i], p_aggregate_id[i], p_sequence[i], p_event_type[i], p_event_version[i],
               p_payload[i]::json, p_metadata[i]::json, base + i, p_event_id[i],
               p_command_ids[p_command[i] + 1], now_ts
          FROM generate_series(1, cardinality(p_command)) AS i;
        RETURN QUERY SELECT p_command[i], 'appended'::text, base + max(i)
          FROM generate_series(1, cardinality(p_command)) AS i GROUP BY 1;
        RETURN;
    END IF;

    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                        metadata, position, event_id, command_id, recorded_at)
    SELECT p_aggregate_type[i], p_aggregate_id[i], p_sequence[i], p_event_type[i], p_event_version[i],
           p_payload[i]::json, p_metadata[i]::json, base + row_number() OVER (ORDER BY i), p_event_id[i],
           p_command_ids[p_command[i] + 1], now_ts
      FROM generate_series(1, cardinality(p_command)) AS i
     WHERE done[p_command[i] + 1] IS NULL AND NOT stale[p_command[i] + 1];
    RETURN QUERY
    SELECT n - 1,
           CASE WHEN done[n] IS NOT NULL THEN 'already_done' WHEN stale[n] THEN 'conflict' ELSE 'appended' END,
           (SELECT max(e.position + 0) FROM events e WHERE e.command_id = p_command_ids[n])
      FROM generate_series(1, cardinality(p_command_ids)) AS n;
END
$$;
