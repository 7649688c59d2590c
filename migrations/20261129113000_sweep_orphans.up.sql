-- Which installation this is: a folder or bucket of pictures says whose it is, so that nobody sweeps another's (IMG-1).
CREATE TABLE installation (
    id   uuid    NOT NULL DEFAULT gen_random_uuid(),
    sole boolean PRIMARY KEY DEFAULT true CHECK (sole)
);
INSERT INTO installation DEFAULT VALUES;

-- Whether the log knows a picture is asked for every stored one.
CREATE INDEX events_image_uploaded ON events ((payload->event_type->>'image_id')) WHERE event_type = 'ImageUploaded';

-- Where the migrating login could not make roles there is nobody to grant it to.
DO $$
BEGIN
    GRANT SELECT ON installation TO vara_writer;
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;
