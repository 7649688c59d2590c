//! The log folded from zero: read and opened ahead of the fold, in memory as long as it fits.

use super::{PAGE, Progress, RebuildFault, long};
use crate::digest::Digest;
use crate::generation::Generation;
use crate::projector::{Read, ReadModel, open_all, step};
use crate::table::Place;
use eventstore::parked::Waiting;
use eventstore::{Log, ReadFault, Vault};
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc;

/// Pages that are opened ahead of the fold.
const AHEAD: usize = 3;
/// Most rows kept in memory, about 1 KiB each; past them rows are written as they come.
const ROWS_MAX: usize = 2_000_000;

/// Rows on their way from the log into a generation, or only into memory.
pub(crate) struct Building<M> {
    /// The rows, as far as they are in memory.
    pub model: M,
    /// Sum over all rows.
    pub digest: Digest,
    /// Rows went to the tables already, so the tables must be asked for those that are not in memory.
    spilled: bool,
}

impl<M: ReadModel> Building<M> {
    fn rows(&mut self) -> usize {
        self.model.tables().iter().map(|table| table.len()).sum()
    }

    /// Moves the rows in memory into the tables.
    pub(super) async fn write(
        &mut self,
        tx: &mut PgConnection,
        schema: &str,
    ) -> Result<(), sqlx::Error> {
        for table in self.model.tables() {
            if self.spilled {
                self.digest = self.digest.plus(table.flush(tx, schema).await?);
                table.clear();
            } else {
                self.digest = self.digest.plus(table.settle()?);
                table.copy(tx, schema).await?;
            }
        }
        self.spilled = true;
        Ok(())
    }
}

/// Folds the log from zero up to a position. Streams that cannot be used are left out from there on, as live; which
/// ones is told. Without a generation to write to, all rows stay in memory.
pub(crate) async fn replay<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    until: i64,
    into: Option<&Generation>,
    progress: &Progress,
) -> Result<(Building<M>, Waiting), RebuildFault> {
    let mut building = Building {
        model: M::default(),
        digest: Digest::default(),
        spilled: false,
    };
    let mut waiting = Waiting::new();
    let mut pages = read_ahead::<M>(pool.clone(), vault.clone(), until);
    while let Some(page) = pages.recv().await {
        let page = page?;
        let Some(last) = page.last().map(|event| event.recorded().position) else {
            break;
        };
        match into {
            Some(into) if building.spilled || building.rows() > ROWS_MAX => {
                let mut tx = long(pool).await?;
                let schema = into.schema::<M>();
                if !building.spilled {
                    building.write(&mut tx, &schema).await?;
                }
                let mut place = Place::Schema(&mut tx, &schema);
                apply_page(&mut building.model, &mut place, page, &mut waiting).await?;
                building.write(&mut tx, &schema).await?;
                tx.commit().await?;
            }
            Some(_) | None => {
                apply_page(&mut building.model, &mut Place::Memory, page, &mut waiting).await?;
            }
        }
        progress(last.unsigned_abs(), until.unsigned_abs());
    }
    progress(until.unsigned_abs(), until.unsigned_abs());
    Ok((building, waiting))
}

async fn apply_page<M: ReadModel>(
    model: &mut M,
    place: &mut Place<'_>,
    page: Vec<Read>,
    waiting: &mut Waiting,
) -> Result<(), sqlx::Error> {
    for event in page {
        step(model, place, &event, waiting).await?;
    }
    Ok(())
}

/// Reads and opens the events that matter, ahead of whoever applies them. A missing position is noticed by counting.
pub(crate) fn read_ahead<M: ReadModel>(
    pool: PgPool,
    vault: Vault,
    until: i64,
) -> mpsc::Receiver<Result<Vec<Read>, ReadFault>> {
    let (pages, waiting) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let log = Log::new(pool);
        let (whole, named) = facts::<M>();
        let mut position = 0;
        if let Err(fault) = log.count(until).await {
            drop(pages.send(Err(fault)).await);
            return;
        }
        loop {
            let page = log.read_of(&whole, &named, position, until, PAGE).await;
            let opened = match page {
                Ok(page) if page.is_empty() => return,
                Ok(page) => {
                    position = page.last().map_or(position, |event| event.position);
                    match open_all::<M>(&vault, page).await {
                        (events, None) => Ok(events),
                        (_, Some(fault)) => Err(fault),
                    }
                }
                Err(fault) => Err(fault),
            };
            let broken = opened.is_err();
            if pages.send(opened).await.is_err() || broken {
                return;
            }
        }
    });
    waiting
}

/// The nouns that are read whole, and the facts that are read by name.
fn facts<M: ReadModel>() -> (Vec<&'static str>, Vec<&'static str>) {
    let whole = M::READS.iter().filter(|(_, names)| names.is_empty());
    let named = M::READS.iter().flat_map(|(_, names)| names.iter().copied());
    (whole.map(|(noun, _)| *noun).collect(), named.collect())
}
