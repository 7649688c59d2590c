-- The part that keeps read models writes those and nothing else; nobody who serves requests can change what is shown.
-- A rebuild makes schemas of its own and opens them with these functions. Where there are no roles they do nothing.
CREATE FUNCTION open_generation(generation text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO vara_projector', generation);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO vara_projector', generation);
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;

CREATE FUNCTION open_view(shown text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('GRANT SELECT ON %I TO vara_writer', shown);
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;

DO $$
DECLARE
    made record;
BEGIN
    BEGIN
        CREATE ROLE vara_projector NOLOGIN;
    EXCEPTION
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN RETURN;
    END;
    GRANT SELECT ON events, log_epoch, read_generations, read_digests TO vara_projector;
    GRANT EXECUTE ON FUNCTION log_identity TO vara_projector;
    GRANT SELECT, INSERT, UPDATE ON checkpoints, parked, read_digests TO vara_projector;
    GRANT UPDATE (digest) ON read_generations TO vara_projector;
    FOR made IN SELECT name || '_' || generation AS generation FROM read_generations LOOP
        PERFORM open_generation(made.generation);
    END LOOP;
END
$$;
