-- What a reader of the log could not use: its stream waits here for that reader, all others go on.
CREATE TABLE parked (
    id        uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    reader    text        NOT NULL,
    noun      text        NOT NULL,
    stream    text        NOT NULL,
    position  bigint      NOT NULL,
    event_id  uuid        NOT NULL,
    -- Names fields and kinds, never values.
    reason    text        NOT NULL,
    attempts  integer     NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (reader, noun, stream)
);
