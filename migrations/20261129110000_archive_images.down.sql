DROP INDEX events_image_left;
DROP INDEX events_image_archived;

DO $$
DECLARE
    held text;
BEGIN
    DROP VIEW read_images;
    FOR held IN SELECT 'images_' || generation FROM read_generations WHERE name = 'images' LOOP
        EXECUTE format('ALTER TABLE %I.read_images DROP COLUMN IF EXISTS archived_at, DROP COLUMN IF EXISTS embedded_by', held);
    END LOOP;
    SELECT 'images_' || generation INTO held FROM read_generations WHERE name = 'images' AND state = 'live';
    EXECUTE format('CREATE VIEW read_images AS SELECT * FROM %I.read_images', held);
    PERFORM open_view('read_images');
    -- The rows count for something else than this shape says: they are built anew.
    UPDATE read_generations SET shape = CASE WHEN EXISTS (SELECT FROM events) THEN 0 ELSE 1 END WHERE name = 'images';
END
$$;

ALTER TABLE shape.read_images DROP COLUMN archived_at, DROP COLUMN embedded_by;
