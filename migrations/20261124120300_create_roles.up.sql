-- Who may do what with the record. Roles cannot sign in: grant them to logins of your own (docs/operating.md). Where the
-- migrating login may not make roles nothing happens here, and the trigger alone keeps the record append-only.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['vara_writer', 'vara_auditor'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION
            -- Roles belong to the server, so another database, or another migration at this moment, may have made it.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN RETURN;
        END;
    END LOOP;

    -- Adds events; never changes or removes one.
    GRANT SELECT, INSERT ON events TO vara_writer;
    GRANT EXECUTE ON FUNCTION append_events, next_position, log_identity TO vara_writer;
    GRANT SELECT ON log_epoch, parked, read_generations, read_digests TO vara_writer;
    GRANT SELECT, INSERT, UPDATE ON checkpoints, heartbeats, snapshots TO vara_writer;
    GRANT SELECT ON read_users, read_consents, read_images, read_image_hashes, read_image_vectors, read_scans,
        read_matches, read_alerts, read_plan_items, read_streams TO vara_writer;

    -- Reads the record, sealed, and how far everybody has come; no read model, which would be in clear.
    GRANT SELECT ON events, log_epoch, checkpoints, parked, read_generations, read_digests TO vara_auditor;
END
$$;
