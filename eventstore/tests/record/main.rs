//! The record on real servers: PostgreSQL with this release's migrations, NATS that can be killed and wiped.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod answers;
mod append;
mod append_only;
mod bucket;
mod bus;
mod checkpoints;
mod chunked;
mod cluster;
mod erasing;
mod faults;
mod fencing;
mod lane;
mod late_snapshots;
mod leases;
mod lost_tail;
mod objects;
mod oracle;
mod order;
mod partitions;
mod picture_keys;
mod picture_salts;
mod poison;
mod promoted;
mod queue;
mod reading;
mod relay;
mod relay_faults;
mod roles;
mod said;
mod sealing;
mod share_links;
mod snapshots;
mod sole_reader;
mod subscription;
mod support;
mod sweeping;
mod vault;
mod view_links;
mod wanted;
