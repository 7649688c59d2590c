-- A reader remembers which event it saw last and of which log, so that a log that lost its newest events (a promoted
-- standby, an old backup) is noticed before anything new is read under the same positions.
CREATE TABLE log_epoch (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch    uuid    NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO log_epoch DEFAULT VALUES;

-- System identifier, timeline, epoch.
CREATE FUNCTION log_identity() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT s.system_identifier::text
        || '/' || CASE WHEN pg_is_in_recovery() THEN 'standby'
                       ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END
        || '/' || e.epoch::text
      FROM pg_control_system() s, log_epoch e
$$;

ALTER TABLE checkpoints
    ADD COLUMN event_id    uuid,
    ADD COLUMN log         text,
    -- One owner at a time, by the database's clock; a higher term fences the owner before it off.
    ADD COLUMN owner       uuid,
    ADD COLUMN lease_until timestamptz,
    ADD COLUMN term        bigint NOT NULL DEFAULT 0;
