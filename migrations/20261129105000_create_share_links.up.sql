-- Links under which an engine fetches one picture (SHR-1 to SHR-5). A token is known to whoever was given it and to nobody
-- else: only its SHA-256 stands here.
CREATE TABLE share_links (
    token_hash   bytea       PRIMARY KEY CHECK (length(token_hash) = 32),
    -- Whose picture.
    subject      uuid        NOT NULL,
    image_id     uuid        NOT NULL,
    -- The scan that needs it; the link ends with it.
    scan_id      uuid        NOT NULL,
    made_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz NOT NULL,
    fetches_left smallint    NOT NULL CHECK (fetches_left BETWEEN 0 AND 10),
    CHECK (expires_at BETWEEN made_at + interval '120 seconds' AND made_at + interval '300 seconds')
);
CREATE INDEX share_links_by_subject ON share_links (subject);
CREATE INDEX share_links_by_end ON share_links (expires_at);

-- Every fetch under such a link. It outlives the link: at most ten rows for each.
CREATE TABLE share_fetches (
    fetch_id   uuid        PRIMARY KEY,
    subject    uuid        NOT NULL,
    image_id   uuid        NOT NULL,
    scan_id    uuid        NOT NULL,
    fetched_at timestamptz NOT NULL,
    -- Address and agent of whoever fetched, sealed under the subject's key.
    visitor    bytea       NOT NULL
);
CREATE INDEX share_fetches_by_image ON share_fetches (subject, image_id, fetched_at);

-- Where the migrating login could not make roles there is nobody to grant it to.
DO $$
BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON share_links TO vara_writer;
    -- A record: added to, read, changed by nobody who serves.
    GRANT SELECT, INSERT ON share_fetches TO vara_writer;
    GRANT SELECT ON share_fetches TO vara_auditor;
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;
