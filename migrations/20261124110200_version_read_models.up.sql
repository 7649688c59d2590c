-- Each read model stands in a schema of its own generation, `alerts_1`, and is read through a view. A rebuild fills the
-- next generation beside it and turns the view; the one before stays for a way back. `shape` holds the tables as this
-- release wants them, always empty: a change of shape alters them there, and the next rebuild takes it up.
CREATE SCHEMA shape;

CREATE TABLE read_generations (
    name       text        NOT NULL,
    generation integer     NOT NULL CHECK (generation > 0),
    shape      integer     NOT NULL,
    state      text        NOT NULL CHECK (state IN ('live', 'building', 'previous')),
    -- How far it is, while it is not live; the live one's position is its checkpoint.
    position   bigint      NOT NULL DEFAULT 0,
    -- Sum over its rows; unknown for rows that were written before digests were kept.
    digest     bytea,
    made_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (name, generation)
);
CREATE UNIQUE INDEX read_generations_one_live ON read_generations (name) WHERE state = 'live';

-- The digest after each batch that changed something: where two histories part, a mistake was made.
CREATE TABLE read_digests (
    name       text    NOT NULL,
    generation integer NOT NULL,
    position   bigint  NOT NULL,
    digest     bytea   NOT NULL,
    PRIMARY KEY (name, generation, position)
);

CREATE SCHEMA users_1;
ALTER TABLE read_users SET SCHEMA users_1;
CREATE TABLE shape.read_users (LIKE users_1.read_users INCLUDING ALL);
CREATE VIEW read_users AS SELECT * FROM users_1.read_users;
ALTER TABLE read_consents SET SCHEMA users_1;
CREATE TABLE shape.read_consents (LIKE users_1.read_consents INCLUDING ALL);
CREATE VIEW read_consents AS SELECT * FROM users_1.read_consents;
INSERT INTO read_generations (name, generation, shape, state) VALUES ('users', 1, 1, 'live');

CREATE SCHEMA images_1;
ALTER TABLE read_images SET SCHEMA images_1;
CREATE TABLE shape.read_images (LIKE images_1.read_images INCLUDING ALL);
CREATE VIEW read_images AS SELECT * FROM images_1.read_images;
ALTER TABLE read_image_hashes SET SCHEMA images_1;
CREATE TABLE shape.read_image_hashes (LIKE images_1.read_image_hashes INCLUDING ALL);
CREATE VIEW read_image_hashes AS SELECT * FROM images_1.read_image_hashes;
ALTER TABLE read_image_vectors SET SCHEMA images_1;
CREATE TABLE shape.read_image_vectors (LIKE images_1.read_image_vectors INCLUDING ALL);
CREATE VIEW read_image_vectors AS SELECT * FROM images_1.read_image_vectors;
INSERT INTO read_generations (name, generation, shape, state) VALUES ('images', 1, 1, 'live');

CREATE SCHEMA scans_1;
ALTER TABLE read_scans SET SCHEMA scans_1;
CREATE TABLE shape.read_scans (LIKE scans_1.read_scans INCLUDING ALL);
CREATE VIEW read_scans AS SELECT * FROM scans_1.read_scans;
INSERT INTO read_generations (name, generation, shape, state) VALUES ('scans', 1, 1, 'live');

CREATE SCHEMA matches_1;
ALTER TABLE read_matches SET SCHEMA matches_1;
CREATE TABLE shape.read_matches (LIKE matches_1.read_matches INCLUDING ALL);
CREATE VIEW read_matches AS SELECT * FROM matches_1.read_matches;
INSERT INTO read_generations (name, generation, shape, state) VALUES ('matches', 1, 1, 'live');

CREATE SCHEMA alerts_1;
ALTER TABLE read_alerts SET SCHEMA alerts_1;
CREATE TABLE shape.read_alerts (LIKE alerts_1.read_alerts INCLUDING ALL);
CREATE VIEW read_alerts AS SELECT * FROM alerts_1.read_alerts;
INSERT INTO read_generations (name, generation, shape, state) VALUES ('alerts', 1, 1, 'live');

CREATE SCHEMA plan_1;
ALTER TABLE read_plan_items SET SCHEMA plan_1;
CREATE TABLE shape.read_plan_items (LIKE plan_1.read_plan_items INCLUDING ALL);
CREATE VIEW read_plan_items AS SELECT * FROM plan_1.read_plan_items;
INSERT INTO read_generations (name, generation, shape, state) VALUES ('plan', 1, 1, 'live');

-- Which streams hold something of whom: what "as of" and erasure begin with.
CREATE SCHEMA streams_1;
CREATE TABLE shape.read_streams (
    noun   text NOT NULL,
    stream text NOT NULL,
    owner  uuid NOT NULL,
    PRIMARY KEY (noun, stream)
);
CREATE INDEX read_streams_by_owner ON shape.read_streams (owner);
CREATE TABLE streams_1.read_streams (LIKE shape.read_streams INCLUDING ALL);
CREATE VIEW read_streams AS SELECT * FROM streams_1.read_streams;
INSERT INTO read_generations (name, generation, shape, state) VALUES ('streams', 1, 1, 'live');

UPDATE checkpoints SET name = regexp_replace(name, '_v1$', '');
