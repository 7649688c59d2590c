DROP FUNCTION open_view, open_generation;
-- The role belongs to the server and stays; what it may do here goes.
DO $$
BEGIN
    DROP OWNED BY vara_projector;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN NULL;
END
$$;
