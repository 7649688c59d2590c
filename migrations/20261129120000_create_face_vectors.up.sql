-- The vector of the face in a picture, made only while she agrees to FACE_SEARCH. Biometric: sealed under its owner's key,
-- never in an event, and no read model, so that what was deleted here is made again by no replay.
CREATE TABLE face_vectors (
    owner    uuid        NOT NULL,
    image_id uuid        NOT NULL,
    -- Which detector and model, in which version: vectors of two models are never compared (PIP-5).
    model    text        NOT NULL,
    -- 512 numbers, sealed, bound to owner, picture and model.
    vector   bytea       NOT NULL,
    made_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner, image_id, model)
);

-- Where the migrating login could not make roles there is nobody to grant it to.
DO $$
BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON face_vectors TO vara_writer;
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;
