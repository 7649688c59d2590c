-- One key for each subject, wrapped by the master key. A destroyed key leaves its row without bytes, so that
-- "erased" and "lost" are never confused.
CREATE SCHEMA keys;
CREATE TABLE keys.subject_keys (
    subject     uuid        PRIMARY KEY,
    wrapped     bytea,
    master      text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_at   timestamptz,
    CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL))
);
