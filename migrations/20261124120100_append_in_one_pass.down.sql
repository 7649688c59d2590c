-- Appends a batch of commands' events as one statement. The lock is taken first; each statement below then
-- sees everything committed (READ COMMITTED), so versions and command ids are checked exactly, positions
-- come from the index without a gap, and one command's conflict never fails its neighbours.
--
-- In: one array element for each event; `p_command` numbers the commands of the batch from 0, and
-- `p_command_ids` holds the id of each. The caller puts no stream and no command id twice in a batch.
-- Out: one row for each command: 'appended', 'conflict' or 'already_done', with the last position.
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
    base      bigint;
    now_ts    timestamptz;
    refused   int[];
    conflicts int[];
BEGIN
    PERFORM pg_advisory_xact_lock(7370712601);
    base   := coalesce((SELECT max(e.position) FROM events e), 0);
    now_ts := clock_timestamp();

    SELECT array_agg(c.ord::int - 1) INTO refused
      FROM unnest(p_command_ids) WITH ORDINALITY AS c(id, ord)
     WHERE EXISTS (SELECT 1 FROM events e WHERE e.command_id = c.id);

    SELECT array_agg(f.command) INTO conflicts
      FROM (SELECT i.command, min(i.sequence) AS first, min(i.type) AS type, min(i.id) AS id
              FROM unnest(p_command, p_aggregate_type, p_aggregate_id, p_sequence)
                   AS i(command, type, id, sequence)
             GROUP BY i.command) AS f
     WHERE f.first <> coalesce((SELECT max(e.sequence) FROM events e
                                 WHERE e.aggregate_type = f.type AND e.aggregate_id = f.id), 0) + 1;

    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                        metadata, position, event_id, command_id, recorded_at)
    SELECT i.type, i.id, i.sequence, i.event_type, i.event_version, i.payload::json, i.metadata::json,
           base + row_number() OVER (ORDER BY i.ord), i.event_id, p_command_ids[i.command + 1], now_ts
      FROM unnest(p_command, p_aggregate_type, p_aggregate_id, p_sequence, p_event_type,
                  p_event_version, p_payload, p_metadata, p_event_id) WITH ORDINALITY
           AS i(command, type, id, sequence, event_type, event_version, payload, metadata, event_id, ord)
     WHERE i.command <> ALL (coalesce(refused, '{}')) AND i.command <> ALL (coalesce(conflicts, '{}'));

    RETURN QUERY
    SELECT c.ord::int - 1,
           CASE WHEN c.ord - 1 = ANY (coalesce(refused, '{}')) THEN 'already_done'
                WHEN c.ord - 1 = ANY (coalesce(conflicts, '{}')) THEN 'conflict'
                ELSE 'appended' END,
           (SELECT max(e.position) FROM events e WHERE e.command_id = c.id)
      FROM unnest(p_command_ids) WITH ORDINALITY AS c(id, ord);
END
$$;
