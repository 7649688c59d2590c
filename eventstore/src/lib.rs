//! The record: append, seal, relay to NATS, subscribe, replay.
//!
//! Order is ours to provide: every event has a gapless position, given inside the append. PostgreSQL is the
//! truth; NATS only wakes and distributes, and may be wiped at any time.

pub mod answers;
pub mod audit;
pub mod bus;
pub mod checkpoint;
pub mod edge;
pub mod erasure;
mod execute_error;
pub mod faces;
pub mod feed;
pub mod heartbeat;
mod kept;
pub mod keys;
mod kill_point;
pub mod lane;
pub mod lease;
pub mod log;
mod met;
pub mod migrate;
pub mod objects;
mod outage;
pub mod parked;
pub mod partitions;
pub mod prover;
pub mod put_away;
pub mod recorded;
pub mod relay;
mod repository;
pub mod role;
mod seal;
pub mod share_links;
mod snapshots;
pub mod sole_reader;
pub mod stalled;
pub mod store;
pub mod stored;
mod streams;
pub mod subscription;
pub mod unopened;
pub mod view_link;
pub mod whole;
mod why;
pub mod work;

pub use answers::Answers;
pub use faces::Faces;
pub use keys::{Erasure, Key, KeyError, KeyWrap, MasterKey, SubjectKey, Vault};
pub use kill_point::{KILL_POINTS, kill_point};
pub use log::{Log, ReadFault};
pub use migrate::{Database, DatabaseFault};
pub use outage::is_outage;
pub use recorded::{Opened, Recorded};
pub use role::Role;
pub use share_links::ShareLinks;
pub use store::{ExecuteError, Receipt, Store};
pub use why::{Circumstances, Why};
