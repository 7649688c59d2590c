CREATE TABLE read_alerts (
    alert_id    uuid        PRIMARY KEY,
    owner       uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    kind        text        NOT NULL,
    severity    text        NOT NULL,
    status      text        NOT NULL,
    status_rank smallint    NOT NULL,
    title       text,
    description text,
    match_id    uuid        NOT NULL,
    image_id    uuid        NOT NULL,
    source_url  text,
    platform    text,
    similarity  smallint    NOT NULL,
    match_type  text        NOT NULL,
    tier        text        NOT NULL,
    is_mock     boolean     NOT NULL,
    created_at  timestamptz NOT NULL
);
CREATE INDEX read_alerts_by_owner ON read_alerts (owner, status_rank, created_at DESC, alert_id);

-- The planner must not keep samples of personal values in its statistics.
ALTER TABLE read_alerts ALTER COLUMN title SET STATISTICS 0;
ALTER TABLE read_alerts ALTER COLUMN description SET STATISTICS 0;
ALTER TABLE read_alerts ALTER COLUMN source_url SET STATISTICS 0;
