-- What the standing check saw last of each read model: are its live rows what the log says.
CREATE TABLE read_checks (
    name        text        PRIMARY KEY,
    -- The generation that was looked at: of another one it says nothing.
    generation  integer     NOT NULL,
    -- The position up to which rows and log were compared.
    position    bigint      NOT NULL,
    checked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The first position whose effect on the rows is not the log's; none where they agree.
    diverges_at bigint
);

-- Where the migrating login could not make roles there is nobody to grant it to.
DO $$
BEGIN
    GRANT SELECT, INSERT, UPDATE ON read_checks TO vara_projector;
    GRANT SELECT ON read_checks TO vara_writer, vara_auditor;
EXCEPTION
    WHEN undefined_object THEN NULL;
END
$$;
