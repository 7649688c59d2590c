//! The log folded from zero: read ahead of the fold, in memory as long as it fits.

use super::{Progress, RebuildFault, long};
use crate::digest::Digest;
use crate::generation::Generation;
use crate::projector::{Read, ReadModel, open_all, step};
use crate::table::Place;
use eventstore::log::Wanted;
use eventstore::parked::Waiting;
use eventstore::unopened::Unopened;
use eventstore::{Log, ReadFault, Recorded, Vault};
use sqlx::{PgConnection, PgPool};
use tokio::sync::mpsc;

/// Events of a page: enough that a question for each costs nothing, few enough to stay in a processor's cache.
const PAGE: i64 = 2_000;
/// Pages that are read ahead of the fold.
const AHEAD: usize = 4;
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

/// What a fold had to leave out: of each such stream the first event that cannot be used, and why.
pub(crate) type Left = Vec<(Box<Recorded>, String)>;

/// Folds the log from zero up to a position. Streams that cannot be used are left out from there on, as live; which
/// ones is told. Without a generation to write to, all rows stay in memory.
pub(crate) async fn replay<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    until: i64,
    into: Option<&Generation>,
    progress: &Progress,
) -> Result<(Building<M>, Left), RebuildFault> {
    let mut building = Building {
        model: M::default(),
        digest: Digest::default(),
        spilled: false,
    };
    let mut left = Left::new();
    let mut waiting = Waiting::new();
    let mut pages = read_ahead::<M>(pool.clone(), vault.clone(), 0, until);
    while let Some(page) = pages.next::<M>().await? {
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
                let out = (&mut waiting, &mut left);
                apply_page(&mut building.model, &mut place, page, out).await?;
                building.write(&mut tx, &schema).await?;
                tx.commit().await?;
            }
            Some(_) | None => {
                let out = (&mut waiting, &mut left);
                apply_page(&mut building.model, &mut Place::Memory, page, out).await?;
            }
        }
        progress(last.unsigned_abs(), until.unsigned_abs());
    }
    progress(until.unsigned_abs(), until.unsigned_abs());
    Ok((building, left))
}

async fn apply_page<M: ReadModel>(
    model: &mut M,
    place: &mut Place<'_>,
    page: Vec<Read>,
    (waiting, left): (&mut Waiting, &mut Left),
) -> Result<(), sqlx::Error> {
    for event in page {
        if step(model, place, &event, waiting).await?
            && let Read::Unusable(event, why) = event
        {
            left.push((event, why));
        }
    }
    Ok(())
}

type Page = Result<Vec<Unopened>, ReadFault>;

/// The events that matter, read from the log ahead of whoever opens and applies them, so that the server and both tasks
/// work at once.
pub(crate) struct Pages {
    vault: Vault,
    read: mpsc::Receiver<Page>,
}

impl Pages {
    /// The next page, opened; nothing after the last one.
    ///
    /// # Errors
    /// [`ReadFault`]; nothing comes after it.
    pub(crate) async fn next<M: ReadModel>(&mut self) -> Result<Option<Vec<Read>>, ReadFault> {
        let Some(page) = self.read.recv().await else {
            return Ok(None);
        };
        match open_all::<M>(&self.vault, page?).await {
            (events, None) => Ok(Some(events)),
            (_, Some(fault)) => Err(fault),
        }
    }
}

/// Reads the log after a position, up to another one. From zero a missing position is noticed by counting meanwhile, and told
/// in the end.
pub(crate) fn read_ahead<M: ReadModel>(
    pool: PgPool,
    vault: Vault,
    after: i64,
    until: i64,
) -> Pages {
    let (pages, read) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let log = Log::new(pool);
        let wanted = wanted::<M>();
        let sending = send(&log, &wanted, (after, until), &pages);
        if after > 0 {
            // Whoever goes on counted what is in front of it before.
            return sending.await;
        }
        if let ((), Err(fault)) = tokio::join!(sending, log.count(until)) {
            drop(pages.send(Err(fault)).await);
        }
    });
    Pages { vault, read }
}

/// Hands out page after page, up to the last one or the first fault.
async fn send(
    log: &Log,
    wanted: &Wanted,
    (mut position, until): (i64, i64),
    pages: &mpsc::Sender<Page>,
) {
    loop {
        let page = log.read_wanted(wanted, position, until, PAGE).await;
        match page.as_ref().map(|page| page.last()) {
            Ok(Some(last)) => position = last.recorded().position,
            Ok(None) => return,
            Err(_) => {}
        }
        let broken = page.is_err();
        if pages.send(page).await.is_err() || broken {
            return;
        }
    }
}

/// The nouns that are read whole, and the facts that are read by name.
fn wanted<M: ReadModel>() -> Wanted {
    let whole = M::READS.iter().filter(|(_, names)| names.is_empty());
    let named = M::READS.iter().flat_map(|(_, names)| names.iter().copied());
    Wanted {
        nouns: whole.map(|(noun, _)| *noun).collect(),
        names: named.collect(),
        first_only: M::FIRST_ONLY,
    }
}
