-- What makes a picture's key of its owner's (IMG-6). A purge takes the salt away, and what the log holds of the picture opens
-- nowhere any more; the row stays, so that "purged" and "lost" are never confused and no key is made a second time.
CREATE TABLE keys.picture_keys (
    image_id     uuid        PRIMARY KEY,
    owner        uuid        NOT NULL,
    salt         bytea       CHECK (octet_length(salt) = 32),
    destroyed_at timestamptz,
    CHECK ((salt IS NULL) = (destroyed_at IS NOT NULL))
);

-- All of hers go at once with an erasure.
CREATE INDEX picture_keys_owner ON keys.picture_keys (owner);

-- How many keys were destroyed, and how many of them before the table was last written anew: what the others held may still
-- stand in its file.
CREATE TABLE keys.picture_keys_file (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    destroyed    bigint  NOT NULL DEFAULT 0,
    written_anew bigint  NOT NULL DEFAULT 0,
    CHECK (written_anew <= destroyed)
);
INSERT INTO keys.picture_keys_file DEFAULT VALUES;
