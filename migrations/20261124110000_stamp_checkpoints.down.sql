ALTER TABLE checkpoints
    DROP COLUMN event_id, DROP COLUMN log, DROP COLUMN owner, DROP COLUMN lease_until, DROP COLUMN term;
DROP FUNCTION log_identity();
DROP TABLE log_epoch;
