//! What people look at: one file per read model, each with its row, how events change it, how it is asked.
//!
//! Rows are folded from the log and nothing else: no clock, no chance, no I/O but the transaction that also
//! holds the reader's position. Live and rebuilt use the same function.

pub mod alerts;
mod codes;
pub mod freshness;
pub mod images;
pub mod likeness;
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

use eventstore::feed::Tail;
use eventstore::{Log, Vault};
use sqlx::PgPool;
use tokio::task::JoinSet;

/// Keeps every read model current, each in a task of its own, until the set is dropped.
#[must_use]
pub fn run_all(pool: &PgPool, vault: &Vault, tail: &Tail) -> JoinSet<()> {
    let mut running = JoinSet::new();
    let feed = || tail.feed(Log::new(pool.clone()));
    running.spawn(projector::run::<users::Users>(
        pool.clone(),
        vault.clone(),
        feed(),
    ));
    running.spawn(projector::run::<images::Images>(
        pool.clone(),
        vault.clone(),
        feed(),
    ));
    running.spawn(projector::run::<scans::Scans>(
        pool.clone(),
        vault.clone(),
        feed(),
    ));
    running.spawn(projector::run::<matches::Matches>(
        pool.clone(),
        vault.clone(),
        feed(),
    ));
    running.spawn(projector::run::<alerts::Alerts>(
        pool.clone(),
        vault.clone(),
        feed(),
    ));
    running.spawn(projector::run::<plan::Plan>(
        pool.clone(),
        vault.clone(),
        feed(),
    ));
    running
}
