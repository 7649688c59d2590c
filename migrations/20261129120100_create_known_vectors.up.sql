-- Lists of vectors that somebody knows, such as those of pictures that were taken down elsewhere. No read model: they come
-- from outside, not from the record, and nothing of a member is among them.
CREATE TABLE known_vectors (
    list   text        NOT NULL,
    -- The space in which it may be compared (PIP-5).
    model  text        NOT NULL,
    -- What the list calls it.
    id     text        NOT NULL,
    vector vector(512) NOT NULL,
    PRIMARY KEY (list, model, id)
);
-- For long lists only (VEC-1): a graph of neighbours misses some, so short lists are compared with each.
CREATE INDEX known_vectors_near ON known_vectors USING hnsw (vector vector_cosine_ops) WITH (m = 16, ef_construction = 64);

-- Where the migrating login could not make roles there is nobody to grant it to.
DO $$
BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON known_vectors TO vara_writer;
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;
