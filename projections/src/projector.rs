//! The projector: a batch of events becomes rows and a position in one transaction, exactly once.

use eventstore::feed::Feed;
use eventstore::{Opened, ReadFault, Recorded, Vault, checkpoint, edge};
use sqlx::{PgConnection, PgPool};
use std::future::Future;
use std::time::Duration;

/// Folds events into the rows of one thing people look at.
pub trait ReadModel: Send + Sync + 'static {
    /// Its name among the readers of the log; the version changes with the shape of its rows.
    const NAME: &'static str;

    /// Changes the rows by one event. Applied once in effect: the projector sees to that.
    fn apply(
        tx: &mut PgConnection,
        event: &Opened,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
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
}

/// Keeps one read model current until the process ends. Faults are waited out.
pub async fn run<M: ReadModel>(pool: PgPool, vault: Vault, mut feed: Feed) {
    let mut faults = 0;
    loop {
        if let Err(fault) = follow::<M>(&pool, &vault, &mut feed, &mut faults).await {
            tracing::warn!(read_model = M::NAME, %fault, "a projector waits and starts again");
            tokio::time::sleep(edge::backoff(
                faults,
                Duration::from_millis(100),
                Duration::from_secs(2),
            ))
            .await;
            faults += 1;
        }
    }
}

async fn follow<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    feed: &mut Feed,
    faults: &mut u32,
) -> Result<(), ProjectFault> {
    let mut position = checkpoint::read(pool, M::NAME).await?;
    loop {
        let batch = feed.next(position).await?;
        if !batch.is_empty() {
            position = apply::<M>(pool, vault, batch).await?;
            *faults = 0;
        }
    }
}

/// Applies those events of a batch that the read model has not seen; says how far it is now.
///
/// The checkpoint row is held for the transaction, so a second owner waits and then finds the work done.
///
/// What stands before an event that cannot be read is applied; then the fault is told.
///
/// # Errors
/// [`ProjectFault`]; where the rows could not be written, neither they nor the position changed.
pub async fn apply<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    batch: Vec<Recorded>,
) -> Result<i64, ProjectFault> {
    let mut opened = Vec::with_capacity(batch.len());
    let mut unreadable = None;
    for event in batch {
        match event.open(vault).await {
            Ok(event) => opened.push(event),
            Err(fault) => {
                unreadable = Some(fault);
                break;
            }
        }
    }
    let mut tx = pool.begin().await?;
    let mut position = checkpoint::hold(&mut tx, M::NAME).await?;
    for event in opened {
        if event.recorded.position <= position {
            continue;
        }
        if event.recorded.position != position + 1 {
            return Err(ReadFault::Gap {
                position: position + 1,
            }
            .into());
        }
        M::apply(&mut tx, &event).await?;
        position += 1;
    }
    checkpoint::move_to(&mut tx, M::NAME, position).await?;
    tx.commit().await?;
    match unreadable {
        None => Ok(position),
        Some(fault) => Err(fault.into()),
    }
}
