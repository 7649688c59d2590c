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
CREATE INDEX bench_rows_command_id ON bench_rows (command_id) WHERE command_id IS NOT NULL;
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

-- A view as postgres-es 0.5 asks for it (db/init.sql of that crate).
CREATE TABLE bench_views (
    view_id text   NOT NULL PRIMARY KEY,
    version bigint NOT NULL CHECK (version >= 0),
    payload json   NOT NULL
);

-- The inserts of append_batch without its lock and its look-ups: the position is any next number, no version and no
-- command id is checked. What this does more in a second is what order costs.
CREATE SEQUENCE bench_position;
CREATE FUNCTION append_unordered(
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
    now_ts timestamptz := clock_timestamp();
BEGIN
    INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
                        metadata, position, event_id, command_id, recorded_at)
    SELECT p_aggregate_type[p_command[i]], p_aggregate_id[p_command[i]], p_sequence[i], p_event_type[i],
           p_event_version[i], p_payload[i]::json, p_metadata[i]::json, nextval('bench_position'), p_event_id[i],
           p_command_id[p_command[i]], now_ts
      FROM generate_series(1, cardinality(p_command)) AS i;
    base := currval('bench_position') - cardinality(p_command);
END
$$;
