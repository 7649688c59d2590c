//! The projector: a batch of events becomes rows and a position in one transaction, exactly once.

mod fold;

pub use fold::stored;
pub(crate) use fold::{Folded, Read, fold, open_all, step};

use crate::generation;
use crate::rebuild::{Progress, rebuild};
use crate::table::{AnyTable, Place};
use eventstore::checkpoint::{Lease, Pass, Passing};
use eventstore::feed::Feed;
use eventstore::{Opened, ReadFault, Recorded, Vault, checkpoint, edge, kill_point};
use sqlx::PgPool;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Most rows of one table that an owner keeps in memory between batches.
const KEPT_MAX: usize = 5_000;

/// Folds events into the rows of one thing people look at. No clock, no chance, no I/O but its own rows.
pub trait ReadModel: Default + Send + Sync + 'static {
    /// Its name among the readers of the log, as `alerts`.
    const NAME: &'static str;
    /// Version of its rows' shape and of how events change them; a higher one than the live generation's has it
    /// rebuilt.
    const SHAPE: i32;
    /// The facts that change its rows; all others are passed by unopened.
    const READS: &'static [Facts];
    /// Whether of each stream only the first event can change them.
    const FIRST_ONLY: bool = false;

    /// Its tables.
    fn tables(&mut self) -> Vec<&mut dyn AnyTable>;

    /// Changes the rows by one event. Applied once in effect: the projector sees to that.
    fn apply(
        &mut self,
        place: &mut Place<'_>,
        event: &Opened,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// Facts of a noun by name; an empty list means all of them.
pub type Facts = (&'static str, &'static [&'static str]);

/// What every read model with rows of members reads (AUD-4).
pub const ERASURE: Facts = ("user", &["SubjectErased"]);

/// Whether a read model's rows may change by this event.
#[must_use]
pub fn reads<M: ReadModel>(event: &Recorded) -> bool {
    let is_read = |(noun, names): &Facts| {
        *noun == event.noun && (names.is_empty() || names.contains(&event.event_type.as_str()))
    };
    (event.sequence == 1 || !M::FIRST_ONLY) && M::READS.iter().any(is_read)
}

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub enum ProjectFault {
    /// The log or a key could not be read.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// The rows could not be written.
    #[error("rows: {0}")]
    Rows(#[from] sqlx::Error),
    /// Another process took the read model over.
    #[error("another process keeps this read model now")]
    Replaced,
    /// The live rows have another shape than this release writes.
    #[error("its rows have shape {live}, this release writes shape {ours}")]
    OtherShape {
        /// Of the live generation.
        live: i32,
        /// Of this release.
        ours: i32,
    },
}

/// Keeps one read model current until the process ends. Faults are waited out.
///
/// Rows are written on `pool`. Where this release wants another shape of them the read model is rebuilt on `owner`,
/// because that makes tables, which a projector's role may not.
pub async fn run<M: ReadModel>(
    pool: PgPool,
    owner: PgPool,
    vault: Vault,
    mut feed: Feed,
    passing: Passing,
) {
    let mut faults = 0;
    let quietly: Progress = Arc::new(|_, _| {});
    loop {
        match follow::<M>(&pool, &vault, &mut feed, &passing, &mut faults).await {
            Ok(()) => {}
            Err(ProjectFault::OtherShape { live, ours }) if live < ours => {
                tracing::info!(
                    read_model = M::NAME,
                    live,
                    ours,
                    "its shape is new: it is rebuilt"
                );
                if let Err(fault) = rebuild::<M>(&owner, &vault, true, &quietly).await {
                    tracing::warn!(read_model = M::NAME, %fault, "the rebuild starts again");
                }
            }
            Err(fault) => {
                tracing::warn!(read_model = M::NAME, %fault, "a projector waits and starts again");
            }
        }
        let (base, most) = (Duration::from_millis(100), Duration::from_secs(2));
        tokio::time::sleep(edge::backoff(faults, base, most)).await;
        faults += 1;
    }
}

async fn follow<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    feed: &mut Feed,
    passing: &Passing,
    faults: &mut u32,
) -> Result<(), ProjectFault> {
    let mut position = checkpoint::resume(pool, M::NAME).await?;
    let mut lease = Lease::new(pool.clone(), M::NAME, edge::this_process());
    let Some(term) = lease.renew().await? else {
        // Somebody else keeps it. Looked at again soon, because they may be gone.
        tokio::time::sleep(checkpoint::LEASE / 6).await;
        *faults = 0;
        return Ok(());
    };
    let mut kept = Kept::<M>::default();
    loop {
        let batch = feed.next(position).await?;
        if lease.renew().await? != Some(term) {
            return Err(ProjectFault::Replaced);
        }
        if batch.is_empty() {
            continue;
        }
        position = match passed_by::<M>(passing, &batch, position, term).await {
            Some(position) => {
                kept.position = position;
                position
            }
            None => apply_as::<M>(pool, vault, batch, Some(term), &mut kept).await?,
        };
        *faults = 0;
    }
}

/// Rows that the owner of a read model wrote and need not fetch again, as long as nobody else writes them.
#[derive(Default)]
struct Kept<M> {
    model: M,
    generation: i32,
    /// Where the read model stood when the rows were written: elsewhere, somebody else may have written them.
    position: i64,
}

/// Moves past a batch in which nothing matters here; nothing where something does, or the reader could not be moved.
async fn passed_by<M: ReadModel>(
    passing: &Passing,
    batch: &[Recorded],
    position: i64,
    term: i64,
) -> Option<i64> {
    let mut following = (position + 1..).zip(batch);
    let last = batch.last()?;
    if !following.all(|(n, event)| event.position == n) || batch.iter().any(reads::<M>) {
        return None;
    }
    let pass = Pass {
        name: M::NAME,
        from: position,
        to: last.position,
        event_id: last.event_id,
        term,
    };
    passing.pass(pass).await.then_some(last.position)
}

/// Applies those events of a batch that the read model has not seen; says how far it is now.
///
/// The checkpoint row is held for the transaction, so a second owner waits and then finds the work done. An event
/// that today's program cannot use parks its stream for this read model; all others go on.
///
/// # Errors
/// [`ProjectFault`]; where the rows could not be written, neither they nor the position changed.
pub async fn apply<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    batch: Vec<Recorded>,
) -> Result<i64, ProjectFault> {
    apply_as::<M>(pool, vault, batch, None, &mut Kept::default()).await
}

/// After a fault `kept` may hold what was never written: it must be thrown away.
async fn apply_as<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    batch: Vec<Recorded>,
    term: Option<i64>,
    kept: &mut Kept<M>,
) -> Result<i64, ProjectFault> {
    // What an owner applies came by the bus, which may tell of events that the log lost.
    let last = term.and(batch.last().map(|event| (event.position, event.event_id)));
    let (events, stop) = open_all::<M>(vault, batch).await;
    kill_point("projector:read");
    let mut tx = pool.begin().await?;
    let mut held = generation::hold(&mut tx, M::NAME, last).await?;
    if term.is_some_and(|term| term != held.checkpoint.term) {
        return Err(ProjectFault::Replaced);
    }
    if held.live.shape != M::SHAPE {
        let (live, ours) = (held.live.shape, M::SHAPE);
        return Err(ProjectFault::OtherShape { live, ours });
    }
    let from = held.checkpoint.position;
    held.checkpoint.must_be_held(M::NAME)?;
    if let Some((position, _)) = last.filter(|_| !held.holds_last) {
        return Err(ReadFault::diverged(M::NAME, position).into());
    }
    if (kept.generation, kept.position) != (held.live.number, from) {
        *kept = Kept {
            model: M::default(),
            generation: held.live.number,
            position: from,
        };
    }
    let model = &mut kept.model;
    let waiting = &mut held.waiting;
    let folded = fold(&mut tx, &held.live, from, events, waiting, model).await?;
    generation::note(&mut tx, M::NAME, &held.live, &folded, true).await?;
    kill_point("projector:applied");
    tx.commit().await?;
    kill_point("projector:committed");
    kept.position = folded.position;
    for table in kept.model.tables() {
        if table.len() > KEPT_MAX {
            table.clear();
        }
    }
    match stop {
        None => Ok(folded.position),
        Some(fault) => Err(fault.into()),
    }
}
