-- The keys of subjects live in a database of their own: no backup of events holds them. A destroyed key leaves its row
-- without bytes, so that "erased" and "lost" are never confused.
CREATE SCHEMA IF NOT EXISTS keys;
CREATE TABLE IF NOT EXISTS keys.subject_keys (
    subject     uuid        PRIMARY KEY,
    wrapped     bytea,
    master      text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    erased_at   timestamptz,
    CHECK ((wrapped IS NULL) = (erased_at IS NOT NULL))
);

-- Who was erased: replayed after a restore, before anybody is served.
CREATE TABLE keys.erasures (
    subject     uuid        PRIMARY KEY,
    erasure_id  uuid        NOT NULL UNIQUE,
    asked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    receipt     jsonb,
    CHECK ((finished_at IS NULL) = (receipt IS NULL))
);
