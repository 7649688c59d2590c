-- States of long streams, folded from events and sealed; a convenience that may be emptied at any time.
CREATE TABLE snapshots (
    noun     text    NOT NULL,
    stream   text    NOT NULL,
    sequence bigint  NOT NULL,
    -- Version of the state's shape and of how events make it.
    shape    integer NOT NULL,
    subject  uuid    NOT NULL,
    state    bytea   NOT NULL,
    PRIMARY KEY (noun, stream)
);
