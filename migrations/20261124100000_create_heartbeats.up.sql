-- When each kind of worker last said that it lives, by the database's clock.
CREATE TABLE heartbeats (
    name    text        PRIMARY KEY,
    beat_at timestamptz NOT NULL
);
