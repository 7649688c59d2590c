CREATE TABLE read_plan_items (
    item_id    uuid        PRIMARY KEY,
    owner      uuid        NOT NULL,
    event_id   uuid        NOT NULL,
    code       text        NOT NULL,
    urgency    smallint    NOT NULL,
    status     text        NOT NULL,
    due_at     timestamptz NOT NULL,
    because    jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX read_plan_items_by_owner ON read_plan_items (owner, urgency, created_at, item_id);
