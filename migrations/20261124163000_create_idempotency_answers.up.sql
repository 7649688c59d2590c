-- What a request with an `Idempotency-Key` was answered first, so that the same request again gets the same. A row is
-- made before its command runs, so that the command has the same id at every try; its answer follows.
CREATE TABLE idempotency_answers (
    subject uuid        NOT NULL,
    -- Method and path.
    route   text        NOT NULL,
    -- Neither key nor body can be guessed from these: both are computed under the subject's own key.
    key     uuid        NOT NULL,
    body    uuid        NOT NULL,
    -- When it was asked first; for a day its answer stands.
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The first answer: its HTTP status, and content type and body sealed under the subject's key. None while nobody
    -- was answered for good.
    status  smallint    CHECK (status BETWEEN 200 AND 499),
    answer  bytea,
    PRIMARY KEY (subject, route, key),
    CHECK ((status IS NULL) = (answer IS NULL))
);
CREATE INDEX idempotency_answers_at ON idempotency_answers (at);

-- Where the migrating login could not make roles there is nobody to grant it to.
DO $$
BEGIN
    GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_answers TO vara_writer;
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;
