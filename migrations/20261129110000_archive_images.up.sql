-- A picture can be put away (IMG-5). Rows of this shape are written by the next generation of the read model; the columns
-- stand in the live one as well, so that what is shown can be asked for before it is built anew.
ALTER TABLE shape.read_images
    ADD COLUMN archived_at timestamptz,
    ADD COLUMN embedded_by text[] NOT NULL DEFAULT '{}';

DO $$
DECLARE
    live text;
BEGIN
    SELECT 'images_' || generation INTO live FROM read_generations WHERE name = 'images' AND state = 'live';
    EXECUTE format(
        'ALTER TABLE %I.read_images ADD COLUMN archived_at timestamptz, ADD COLUMN embedded_by text[] NOT NULL DEFAULT ''{}''', live);
    EXECUTE format('CREATE OR REPLACE VIEW read_images AS SELECT * FROM %I.read_images', live);
    -- Where nothing was ever taken in there is nothing to build anew.
    IF NOT EXISTS (SELECT FROM events) THEN
        UPDATE read_generations SET shape = 2 WHERE name = 'images' AND state = 'live';
    END IF;
END
$$;

-- Which pictures are due is asked once an hour, of all that were ever put away. Both indexes hold those alone.
CREATE INDEX events_image_archived ON events (position) WHERE event_type = 'ImageArchived';
CREATE INDEX events_image_left ON events ((payload->event_type->>'image_id'))
    WHERE event_type IN ('ImageRestored', 'ImagePurged');
