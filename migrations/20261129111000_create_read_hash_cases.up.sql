-- Hashes that members registered of pictures which never left their devices, and where each case stands.
CREATE TABLE shape.read_hash_cases (
    case_id       uuid        PRIMARY KEY,
    owner         uuid        NOT NULL,
    -- 64 hex digits: as good as a rough picture. None once she was erased.
    hash          text,
    quality       smallint,
    -- ACTIVE or WITHDRAWN: what counts, whatever the hash still says.
    status        text        NOT NULL,
    attested      text        NOT NULL,
    registered_at timestamptz NOT NULL,
    -- When the log took its last change in, and where: the order in which an exchange is told.
    changed_at    timestamptz NOT NULL,
    position      bigint      NOT NULL
);
CREATE INDEX read_hash_cases_by_owner ON shape.read_hash_cases (owner, registered_at DESC, case_id);
CREATE INDEX read_hash_cases_by_hash ON shape.read_hash_cases (hash);
-- The planner must not keep samples of personal values in its statistics.
ALTER TABLE shape.read_hash_cases ALTER COLUMN hash SET STATISTICS 0;

CREATE SCHEMA hash_cases_1;
CREATE TABLE hash_cases_1.read_hash_cases (LIKE shape.read_hash_cases INCLUDING ALL);
ALTER TABLE hash_cases_1.read_hash_cases ALTER COLUMN hash SET STATISTICS 0;
CREATE VIEW read_hash_cases AS SELECT * FROM hash_cases_1.read_hash_cases;
INSERT INTO read_generations (name, generation, shape, state) VALUES ('hash_cases', 1, 1, 'live');
SELECT open_generation('hash_cases_1'), open_view('read_hash_cases');
