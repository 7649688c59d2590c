CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE read_images (
    image_id     uuid        PRIMARY KEY,
    owner        uuid        NOT NULL,
    content_type text        NOT NULL,
    size_bytes   integer     NOT NULL,
    width        integer     NOT NULL,
    height       integer     NOT NULL,
    near_copy_of uuid,
    uploaded_at  timestamptz NOT NULL,
    last_scanned timestamptz,
    scan_count   integer     NOT NULL DEFAULT 0,
    match_count  integer     NOT NULL DEFAULT 0
);
CREATE INDEX read_images_by_owner ON read_images (owner, uploaded_at DESC, image_id);

-- Compared within one owner only, exactly: a filtered approximate search loses most of a small owner's rows.
CREATE TABLE read_image_hashes (
    image_id uuid     PRIMARY KEY,
    owner    uuid     NOT NULL,
    pdq      bit(256) NOT NULL,
    quality  smallint NOT NULL
);
CREATE INDEX read_image_hashes_by_owner ON read_image_hashes (owner);

CREATE TABLE read_image_vectors (
    owner    uuid        NOT NULL,
    model    text        NOT NULL,
    image_id uuid        NOT NULL,
    vector   vector(512) NOT NULL,
    PRIMARY KEY (owner, model, image_id)
);
