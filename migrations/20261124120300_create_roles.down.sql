-- The roles belong to the server and stay; what they may do here goes.
DO $$
BEGIN
    DROP OWNED BY vara_writer, vara_auditor;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN NULL;
END
$$;
