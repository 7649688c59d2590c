-- The whole store of the identity service. Safe to run again at every start.
CREATE SCHEMA IF NOT EXISTS identity;

-- One row says which keys wrote this database, so that wrong keys are noticed at the start.
CREATE TABLE IF NOT EXISTS identity.key_mark (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    mark     bytea   NOT NULL
);

-- The address stands nowhere in the clear: a keyed hash finds it, a sealed copy gives it back.
CREATE TABLE IF NOT EXISTS identity.accounts (
    id              uuid        PRIMARY KEY,
    email_index     bytea       NOT NULL UNIQUE,
    email_sealed    bytea       NOT NULL,
    password_hash   text        NOT NULL,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    last_sign_in_at timestamptz NOT NULL
);

-- Signing out deletes the row; a refresh token that came back too late only revokes it, so that
-- the tokens of that session keep being recognised.
CREATE TABLE IF NOT EXISTS identity.sessions (
    id         uuid        PRIMARY KEY,
    account_id uuid        NOT NULL REFERENCES identity.accounts (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);
CREATE INDEX IF NOT EXISTS sessions_account ON identity.sessions (account_id);

CREATE TABLE IF NOT EXISTS identity.refresh_tokens (
    token_hash bytea       PRIMARY KEY,
    session_id uuid        NOT NULL REFERENCES identity.sessions (id) ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL,
    spent_at   timestamptz
);
-- A session never has two tokens that are good at once; this also finds them for the cascade.
CREATE UNIQUE INDEX IF NOT EXISTS refresh_tokens_one_current
    ON identity.refresh_tokens (session_id) WHERE spent_at IS NULL;
CREATE INDEX IF NOT EXISTS refresh_tokens_session ON identity.refresh_tokens (session_id);
