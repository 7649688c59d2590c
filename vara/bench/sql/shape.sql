-- What the measurements need beside the migrations, in a database that is thrown away afterwards.

-- Every measurement begins on an empty table, so that growth favours nobody.
DROP TRIGGER events_are_never_truncated ON events;

-- What pgbench writes to: the same columns and indexes as `events`, and nothing that gives order.
CREATE TABLE bench_rows (
    aggregate_type text        NOT NULL,
    aggregate_id   text        NOT NULL,
    sequence       bigint      NOT NULL CHECK (sequence > 0),
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    payload        json        NOT NULL,
    metadata       json        NOT NULL,
    position       bigserial   NOT NULL UNIQUE,
    event_id       uuid        NOT NULL,
    command_id     uuid,
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
CREATE INDEX bench_rows_event_id ON bench_rows (event_id);

-- What postgres-es 0.5 asks for (db/init.sql of that crate).
CREATE TABLE bench_theirs (
    aggregate_type text   NOT NULL,
    aggregate_id   text   NOT NULL,
    sequence       bigint NOT NULL CHECK (sequence >= 0),
    event_type     text   NOT NULL,
    event_version  text   NOT NULL,
    payload        json   NOT NULL,
    metadata       json   NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);

-- The inserts of append_events without its lock and its look-ups: the position is any next number, no version and
-- no command id is checked. What this does more in a second is what order costs.
CREATE SEQUENCE bench_position;
CREATE FUNCTION append_unordered(
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
    now_ts timestamptz := clock_timestamp();
BEGIN
    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                        metadata, position, event_id, command_id, recorded_at)
    SELECT i.type, i.id, i.sequence, i.event_type, i.event_version, i.payload::json, i.metadata::json,
           nextval('bench_position'), i.event_id, p_command_ids[i.command + 1], now_ts
      FROM unnest(p_command, p_aggregate_type, p_aggregate_id, p_sequence, p_event_type,
                  p_event_version, p_payload, p_metadata, p_event_id)
           AS i(command, type, id, sequence, event_type, event_version, payload, metadata, event_id);

    RETURN QUERY
    SELECT c.ord::int - 1, 'appended', currval('bench_position')
      FROM unnest(p_command_ids) WITH ORDINALITY AS c(id, ord);
END
$$;
