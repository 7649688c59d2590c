-- How far each reader of the log has come.
CREATE TABLE checkpoints (
    name     text   PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
);
