//! What people look at: one file per read model, each with its row, how events change it, how it is asked.
//!
//! Rows are folded from the log and nothing else: no clock, no chance, no I/O but the transaction that also
//! holds the reader's position. Live, rebuilt and as of a day in the past use the same function.

pub mod alerts;
pub mod as_of;
pub mod check;
mod codes;
pub mod digest;
pub mod erasure;
pub mod freshness;
pub mod generation;
pub mod hash_cases;
pub mod images;
pub mod known_hashes;
pub mod known_vectors;
pub mod likeness;
pub mod matches;
pub mod page;
pub mod plan;
pub mod projector;
pub mod rebuild;
pub mod scans;
pub mod source;
pub mod standing;
pub mod streams;
pub mod table;
pub mod users;

use projector::ReadModel;

/// The names of all read models, as they stand among the readers of the log.
pub const READ_MODELS: [&str; 8] = [
    users::Users::NAME,
    images::Images::NAME,
    scans::Scans::NAME,
    matches::Matches::NAME,
    alerts::Alerts::NAME,
    plan::Plan::NAME,
    hash_cases::HashCases::NAME,
    streams::Streams::NAME,
];

use eventstore::checkpoint::Passing;
use eventstore::feed::Tail;
use eventstore::{Log, Vault};
use sqlx::PgPool;
use tokio::task::JoinSet;

/// Keeps every read model current, each in a task of its own, until the set is dropped. Rows are written on `pool`, tables
/// of a new shape made on `owner`.
#[must_use]
pub fn run_all(pool: &PgPool, owner: &PgPool, vault: &Vault, tail: &Tail) -> JoinSet<()> {
    let mut running = JoinSet::new();
    let passing = Passing::begin(pool.clone());
    let with = (pool, owner, vault, tail, &passing);
    keep::<users::Users>(&mut running, with);
    keep::<images::Images>(&mut running, with);
    keep::<scans::Scans>(&mut running, with);
    keep::<matches::Matches>(&mut running, with);
    keep::<alerts::Alerts>(&mut running, with);
    keep::<plan::Plan>(&mut running, with);
    keep::<hash_cases::HashCases>(&mut running, with);
    keep::<streams::Streams>(&mut running, with);
    running
}

/// Something that is done with a read model that is known by its name only.
pub trait Operation {
    /// What comes of it.
    type Output;

    /// Does it.
    fn on<M: ReadModel>(self) -> impl Future<Output = Self::Output> + Send;
}

/// Does something with the read model of this name; nothing where none is called so.
pub async fn named<O: Operation>(name: &str, operation: O) -> Option<O::Output> {
    Some(match name {
        users::Users::NAME => operation.on::<users::Users>().await,
        images::Images::NAME => operation.on::<images::Images>().await,
        scans::Scans::NAME => operation.on::<scans::Scans>().await,
        matches::Matches::NAME => operation.on::<matches::Matches>().await,
        alerts::Alerts::NAME => operation.on::<alerts::Alerts>().await,
        plan::Plan::NAME => operation.on::<plan::Plan>().await,
        hash_cases::HashCases::NAME => operation.on::<hash_cases::HashCases>().await,
        streams::Streams::NAME => operation.on::<streams::Streams>().await,
        _ => return None,
    })
}

fn keep<M: ReadModel>(
    running: &mut JoinSet<()>,
    (pool, owner, vault, tail, passing): (&PgPool, &PgPool, &Vault, &Tail, &Passing),
) {
    let feed = tail.feed(Log::new(pool.clone()));
    let (pool, owner) = (pool.clone(), owner.clone());
    let (vault, passing) = (vault.clone(), passing.clone());
    running.spawn(projector::run::<M>(pool, owner, vault, feed, passing));
}
