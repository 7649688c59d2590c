CREATE TABLE read_users (
    user_id       uuid        PRIMARY KEY,
    email         text,
    registered_at timestamptz NOT NULL
);
CREATE TABLE read_consents (
    user_id      uuid        NOT NULL,
    purpose      text        NOT NULL,
    granted      boolean     NOT NULL,
    text_version text        NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (user_id, purpose)
);

-- The planner must not keep samples of personal values in its statistics.
ALTER TABLE read_users ALTER COLUMN email SET STATISTICS 0;
