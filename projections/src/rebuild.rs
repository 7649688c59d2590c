//! A read model is built anew from the log beside the live one, compared with it, and takes its place at one instant.

mod replay;

pub(crate) use replay::read_ahead;

use replay::{Left, replay};

use crate::digest::Digest;
use crate::generation::{self, Generation};
use crate::projector::{Folded, ProjectFault, ReadModel, fold, open_all};
use eventstore::parked::{self, Waiting};
use eventstore::{Log, ReadFault, Vault, checkpoint};
use sqlx::PgPool;
use std::sync::Arc;

/// Events that are read at once.
const PAGE: i64 = 10_000;
/// How many events the new generation may be behind when the live one is stopped for the change.
const NEAR: i64 = 500;

/// How a rebuild came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebuilt {
    /// The generation that is live now.
    pub generation: i32,
    /// The position it shows.
    pub position: i64,
    /// Sum over its rows.
    pub digest: Digest,
}

/// Why a rebuild did not take the live one's place. The live read model is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RebuildFault {
    /// Reading or writing failed.
    #[error(transparent)]
    Project(#[from] ProjectFault),
    /// The rows differ from the live ones.
    #[error(
        "the live rows of {name} are not what the log says (live {live}, log {ours}); \
         `vara projections check {name}` names the first difference, and \
         `vara projections rebuild {name} --accept` puts the rows of the log in their place"
    )]
    Differs {
        /// The read model.
        name: &'static str,
        /// Digest of the live rows.
        live: Digest,
        /// Digest of the rows that the log gives.
        ours: Digest,
    },
    /// There is nothing to go back to.
    #[error("there is no earlier generation of {0} to go back to")]
    NoPrevious(&'static str),
}

impl From<sqlx::Error> for RebuildFault {
    fn from(fault: sqlx::Error) -> Self {
        Self::Project(fault.into())
    }
}

impl From<ReadFault> for RebuildFault {
    fn from(fault: ReadFault) -> Self {
        Self::Project(fault.into())
    }
}

/// Told now and then: events done, of how many.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Builds a read model anew and puts it in the place of the live one, if their rows agree or `accept` says so.
///
/// # Errors
/// [`RebuildFault`]; then nothing changed for those who read.
pub async fn rebuild<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    accept: bool,
    progress: &Progress,
) -> Result<Rebuilt, RebuildFault> {
    let mut made = generation::begin::<M>(pool).await?;
    let head = Log::new(pool.clone()).head().await?;
    let (mut building, left) = replay::<M>(pool, vault, head, Some(&made), progress).await?;
    let mut tx = long(pool).await?;
    let schema = made.schema::<M>();
    building.write(&mut tx, &schema).await?;
    let folded = Folded {
        position: head,
        digest: building.digest,
    };
    generation::note(&mut tx, M::NAME, &made, &folded, false).await?;
    made.digest = Some(building.digest);
    tx.commit().await?;
    let streams = left
        .iter()
        .map(|(event, _)| (event.noun.clone(), event.stream.clone()));
    let (mut waiting, mut position) = (streams.collect(), head);
    while Log::new(pool.clone()).head().await? - position > NEAR {
        position = catch_up::<M>(pool, vault, &mut made, position, &mut waiting).await?;
    }
    take_the_place::<M>(pool, vault, made, position, (waiting, left), accept).await
}

/// Goes back to the generation that was live before, brought up to date first.
///
/// # Errors
/// [`RebuildFault::NoPrevious`], or rows of a shape that another release wrote; then nothing changed.
pub async fn rollback<M: ReadModel>(pool: &PgPool, vault: &Vault) -> Result<Rebuilt, RebuildFault> {
    let mut db = pool.acquire().await?;
    let found = generation::previous(&mut db, M::NAME).await?;
    drop(db);
    let Some(mut earlier) = found else {
        return Err(RebuildFault::NoPrevious(M::NAME));
    };
    if earlier.shape != M::SHAPE {
        let (live, ours) = (earlier.shape, M::SHAPE);
        return Err(ProjectFault::OtherShape { live, ours }.into());
    }
    let mut db = pool.acquire().await?;
    let mut waiting = parked::waiting(&mut db, M::NAME).await?;
    drop(db);
    let mut position = earlier.position;
    while Log::new(pool.clone()).head().await? - position > NEAR {
        position = catch_up::<M>(pool, vault, &mut earlier, position, &mut waiting).await?;
    }
    take_the_place::<M>(pool, vault, earlier, position, (waiting, Left::new()), true).await
}

/// A transaction that may take longer than a request's.
async fn long(pool: &PgPool) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("SET LOCAL statement_timeout = 0")
        .execute(&mut *tx)
        .await?;
    Ok(tx)
}

/// One batch more for a generation that is not live.
async fn catch_up<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    into: &mut Generation,
    position: i64,
    waiting: &mut Waiting,
) -> Result<i64, RebuildFault> {
    let log = Log::new(pool.clone());
    let batch = log.read_after(position, PAGE).await?;
    let (events, stop) = open_all::<M>(vault, batch).await;
    let mut tx = pool.begin().await?;
    let model = &mut M::default();
    let folded = fold(&mut tx, into, position, events, waiting, model).await?;
    generation::note(&mut tx, M::NAME, into, &folded, false).await?;
    into.digest = Some(folded.digest);
    let reached = folded.position;
    sqlx::query("UPDATE read_generations SET position = $3 WHERE name = $1 AND generation = $2")
        .bind(M::NAME)
        .bind(into.number)
        .bind(reached)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    match stop {
        None => Ok(reached),
        Some(fault) => Err(fault.into()),
    }
}

/// With the live projector standing still: the last events, the comparison, the change. It stands still for as long
/// as a batch takes.
async fn take_the_place<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    made: Generation,
    position: i64,
    (mut waiting, left): (Waiting, Left),
    accept: bool,
) -> Result<Rebuilt, RebuildFault> {
    let mut tx = pool.begin().await?;
    let held = generation::hold(&mut tx, M::NAME, None).await?;
    let (live, were_parked, until) = (held.live, held.waiting, held.checkpoint.position);
    let missing = Log::new(pool.clone()).read_between(position, until).await?;
    let (events, stop) = open_all::<M>(vault, missing).await;
    if let Some(fault) = stop {
        return Err(fault.into());
    }
    // By what this fold could use: events of a stream that waited until now are among the last ones, too.
    let (out, model) = (&mut waiting, &mut M::default());
    let folded = fold(&mut tx, &made, position, events, out, model).await?;
    generation::note(&mut tx, M::NAME, &made, &folded, false).await?;
    let (reached, ours) = (folded.position, folded.digest);
    let comparable = live.shape == made.shape && were_parked == waiting && reached == until;
    if let (Some(live), true, false) = (live.digest, comparable, accept)
        && live != ours
    {
        let name = M::NAME;
        return Err(RebuildFault::Differs { name, live, ours });
    }
    generation::turn_to::<M>(&mut tx, &live, &made, until).await?;
    // What the fold could use after all waits no longer.
    let usable: Vec<_> = were_parked.difference(&waiting).cloned().collect();
    for (noun, stream) in usable {
        parked::forget(&mut tx, M::NAME, &noun, &stream).await?;
    }
    for (event, why) in &left {
        parked::park(&mut tx, M::NAME, event, why, 1).await?;
    }
    checkpoint::move_to(&mut tx, M::NAME, reached).await?;
    tx.commit().await?;
    Ok(Rebuilt {
        generation: made.number,
        position: reached,
        digest: ours,
    })
}
