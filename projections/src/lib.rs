//! What people look at: one file per read model, each with its row, how events change it, how it is asked.
//!
//! Rows are folded from the log and nothing else: no clock, no chance, no I/O but the transaction that also
//! holds the reader's position. Live and rebuilt use the same function.

pub mod alerts;
mod codes;
pub mod freshness;
pub mod images;
pub mod matches;
pub mod page;
pub mod plan;
pub mod projector;
pub mod scans;
pub mod users;

/// The names of all read models, as they stand among the readers of the log.
pub const READ_MODELS: [&str; 6] = [
    users::Users::NAME,
    images::Images::NAME,
    scans::Scans::NAME,
    matches::Matches::NAME,
    alerts::Alerts::NAME,
    plan::Plan::NAME,
];

use projector::ReadModel;
