CREATE TABLE read_matches (
    match_id     uuid        PRIMARY KEY,
    owner        uuid        NOT NULL,
    image_id     uuid        NOT NULL,
    scan_id      uuid        NOT NULL,
    first_scan   uuid        NOT NULL,
    source_url   text,
    platform     text,
    engine       text        NOT NULL,
    similarity   smallint    NOT NULL,
    match_type   text        NOT NULL,
    tier         text        NOT NULL,
    tier_rank    smallint    NOT NULL,
    state        text        NOT NULL,
    is_mock      boolean     NOT NULL,
    first_seen_at timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL
);
CREATE INDEX read_matches_by_image ON read_matches (image_id, first_seen_at DESC, match_id);
CREATE INDEX read_matches_by_owner ON read_matches (owner, tier_rank DESC, first_seen_at DESC);
CREATE INDEX read_matches_by_scan ON read_matches (first_scan);

-- The planner must not keep samples of personal values in its statistics.
ALTER TABLE read_matches ALTER COLUMN source_url SET STATISTICS 0;
