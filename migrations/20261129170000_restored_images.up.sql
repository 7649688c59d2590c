-- A link to look at a picture ends for good when the picture was put away, also where she took it back since: so it has to be
-- known when she did. Rows of this shape are written by the next generation, as in 20261129110000.
ALTER TABLE shape.read_images ADD COLUMN restored_at timestamptz;

DO $$
DECLARE
    live text;
BEGIN
    SELECT 'images_' || generation INTO live FROM read_generations WHERE name = 'images' AND state = 'live';
    EXECUTE format('ALTER TABLE %I.read_images ADD COLUMN restored_at timestamptz', live);
    EXECUTE format('CREATE OR REPLACE VIEW read_images AS SELECT * FROM %I.read_images', live);
    -- Where nothing was ever taken in there is nothing to build anew.
    IF NOT EXISTS (SELECT FROM events) THEN
        UPDATE read_generations SET shape = 3 WHERE name = 'images' AND state = 'live';
    END IF;
END
$$;
