//! The projector: a batch of events becomes rows and a position in one transaction, exactly once.

use crate::generation;
use crate::rebuild::{Progress, rebuild};
use crate::table::{AnyTable, Place};
use crate::{digest::Digest, generation::Generation};
use eventstore::feed::Feed;
use eventstore::{Opened, ReadFault, Recorded, Vault, checkpoint, edge, kill_point, parked};
use sqlx::{PgConnection, PgPool};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Folds events into the rows of one thing people look at. No clock, no chance, no I/O but its own rows.
pub trait ReadModel: Default + Send + Sync + 'static {
    /// Its name among the readers of the log, as `alerts`.
    const NAME: &'static str;
    /// Version of its rows' shape and of how events change them; a higher one than the live generation's has it
    /// rebuilt.
    const SHAPE: i32;
    /// The nouns whose events change its rows.
    const NOUNS: &'static [&'static str];

    /// Its tables.
    fn tables(&mut self) -> Vec<&mut dyn AnyTable>;

    /// Changes the rows by one event. Applied once in effect: the projector sees to that.
    fn apply(
        &mut self,
        place: &mut Place<'_>,
        event: &Opened,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// Applies one event and remembers that the rows it changes were changed by it.
///
/// # Errors
/// When rows could not be read.
pub async fn apply_one<M: ReadModel>(
    model: &mut M,
    place: &mut Place<'_>,
    event: &Opened,
) -> Result<(), sqlx::Error> {
    if !M::NOUNS.contains(&event.recorded.noun.as_str()) {
        return Ok(());
    }
    for table in model.tables() {
        table.at(event.recorded.position);
    }
    model.apply(place, event).await
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
pub async fn run<M: ReadModel>(pool: PgPool, vault: Vault, mut feed: Feed) {
    let mut faults = 0;
    let quietly: Progress = Arc::new(|_, _| {});
    loop {
        match follow::<M>(&pool, &vault, &mut feed, &mut faults).await {
            Ok(()) => {}
            Err(ProjectFault::OtherShape { live, ours }) if live < ours => {
                tracing::info!(
                    read_model = M::NAME,
                    live,
                    ours,
                    "its shape is new: it is rebuilt"
                );
                if let Err(fault) = rebuild::<M>(&pool, &vault, true, &quietly).await {
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
    faults: &mut u32,
) -> Result<(), ProjectFault> {
    let owner = edge::this_process();
    let mut position = checkpoint::resume(pool, M::NAME).await?;
    let Some(mut term) = checkpoint::lead(pool, M::NAME, owner).await? else {
        // Somebody else keeps it. Looked at again soon, because they may be gone.
        tokio::time::sleep(checkpoint::LEASE / 6).await;
        *faults = 0;
        return Ok(());
    };
    let mut renewed = Instant::now();
    loop {
        let batch = feed.next(position).await?;
        if renewed.elapsed() > checkpoint::LEASE / 3 {
            let led = checkpoint::lead(pool, M::NAME, owner).await?;
            term = led.ok_or(ProjectFault::Replaced)?;
            renewed = Instant::now();
        }
        if !batch.is_empty() {
            position = apply_as::<M>(pool, vault, batch, Some(term)).await?;
            *faults = 0;
        }
    }
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
    apply_as::<M>(pool, vault, batch, None).await
}

async fn apply_as<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    batch: Vec<Recorded>,
    term: Option<i64>,
) -> Result<i64, ProjectFault> {
    let (events, stop) = open_all::<M>(vault, batch).await;
    kill_point("projector:read");
    let mut tx = pool.begin().await?;
    let held = checkpoint::hold(&mut tx, M::NAME).await?;
    if term.is_some_and(|term| term != held.term) {
        return Err(ProjectFault::Replaced);
    }
    let live = generation::live(&mut tx, M::NAME).await?;
    if live.shape != M::SHAPE {
        let ours = M::SHAPE;
        return Err(ProjectFault::OtherShape {
            live: live.shape,
            ours,
        });
    }
    let position = fold::<M>(&mut tx, &live, held.position, events).await?;
    checkpoint::move_to(&mut tx, M::NAME, position).await?;
    kill_point("projector:applied");
    tx.commit().await?;
    kill_point("projector:committed");
    match stop {
        None => Ok(position),
        Some(fault) => Err(fault.into()),
    }
}

/// An event, and what opening it said. Events of nouns that do not matter here are not opened.
pub(crate) enum Read {
    /// It can be applied.
    Opened(Box<Opened>),
    /// It changes nothing here.
    Passed(Box<Recorded>),
    /// It cannot be used; why.
    Unusable(Box<Recorded>, String),
}

impl Read {
    pub(crate) fn recorded(&self) -> &Recorded {
        match self {
            Self::Opened(event) => &event.recorded,
            Self::Passed(event) | Self::Unusable(event, _) => event,
        }
    }
}

/// Opens events up to the first one that cannot be read now but may be later.
pub(crate) async fn open_all<M: ReadModel>(
    vault: &Vault,
    batch: Vec<Recorded>,
) -> (Vec<Read>, Option<ReadFault>) {
    let mut events = Vec::with_capacity(batch.len());
    for event in batch {
        if !M::NOUNS.contains(&event.noun.as_str()) {
            events.push(Read::Passed(Box::new(event)));
            continue;
        }
        match event.open_or_back(vault).await {
            Ok(opened) => events.push(Read::Opened(Box::new(opened))),
            Err((event, ReadFault::Unreadable { what, .. })) => {
                events.push(Read::Unusable(event, what));
            }
            Err((_, fault)) => return (events, Some(fault)),
        }
    }
    (events, None)
}

/// Applies what follows on a position to a generation's tables; says how far it is then.
pub(crate) async fn fold<M: ReadModel>(
    tx: &mut PgConnection,
    into: &Generation,
    mut position: i64,
    events: Vec<Read>,
) -> Result<i64, ProjectFault> {
    let schema = into.schema::<M>();
    let mut waiting = parked::waiting(tx, M::NAME).await?;
    let mut model = M::default();
    for event in events {
        let recorded = event.recorded();
        if recorded.position <= position {
            continue;
        }
        position += 1;
        if recorded.position != position {
            return Err(ReadFault::Gap { position }.into());
        }
        let stream = (recorded.noun.clone(), recorded.stream.clone());
        if waiting.contains(&stream) {
            continue;
        }
        match event {
            Read::Passed(_) => {}
            Read::Opened(event) => {
                apply_one(&mut model, &mut Place::Schema(tx, &schema), &event).await?;
            }
            Read::Unusable(event, why) => {
                parked::park(tx, M::NAME, &event, &why, 1).await?;
                waiting.insert(stream);
            }
        }
    }
    keep(tx, into, position, model).await?;
    Ok(position)
}

/// Writes the changed rows and, where there are some, the new digest.
async fn keep<M: ReadModel>(
    tx: &mut PgConnection,
    into: &Generation,
    position: i64,
    mut model: M,
) -> Result<(), sqlx::Error> {
    let schema = into.schema::<M>();
    let before = match into.digest {
        Some(digest) => digest,
        None => stored::<M>(tx, &schema).await?,
    };
    let mut digest = before;
    for table in model.tables() {
        digest = digest.plus(table.flush(tx, &schema).await?);
    }
    if digest != before || into.digest.is_none() {
        generation::note(tx, M::NAME, into.number, position, digest).await?;
    }
    Ok(())
}

/// The digest of all rows that a schema holds.
///
/// # Errors
/// When the database does not answer.
pub async fn stored<M: ReadModel>(
    db: &mut PgConnection,
    schema: &str,
) -> Result<Digest, sqlx::Error> {
    let mut sum = Digest::default();
    for table in M::default().tables() {
        sum = sum.plus(table.stored(db, schema).await?);
    }
    Ok(sum)
}
