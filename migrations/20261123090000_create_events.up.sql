-- The record: one gapless log. The first seven columns are those that postgres-es names; the others have
-- defaults, so that its unmodified repository works on this table too (it is our conformance oracle).
CREATE TABLE events (
    aggregate_type text        NOT NULL,
    aggregate_id   text        NOT NULL,
    sequence       bigint      NOT NULL CHECK (sequence > 0),
    event_type     text        NOT NULL,
    event_version  text        NOT NULL,
    -- json, not jsonb: the text is kept exactly as it was hashed.
    payload        json        NOT NULL,
    metadata       json        NOT NULL,
    position       bigint      NOT NULL,
    event_id       uuid        NOT NULL DEFAULT gen_random_uuid(),
    command_id     uuid,
    recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (aggregate_type, aggregate_id, sequence),
    CONSTRAINT events_position_key UNIQUE (position)
);

CREATE INDEX events_command_id ON events (command_id) WHERE command_id IS NOT NULL;
-- Not unique: any 23505 on this table reads as a conflict of versions.
CREATE INDEX events_event_id ON events (event_id);

-- The slow path: a plain INSERT takes the same lock and the next position.
CREATE FUNCTION next_position() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7370712601);
    RETURN coalesce((SELECT max(position) FROM events), 0) + 1;
END
$$;

ALTER TABLE events ALTER COLUMN position SET DEFAULT next_position();

CREATE FUNCTION refuse_change_of_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_record();
CREATE TRIGGER events_are_never_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_record();
