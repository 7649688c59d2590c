//! The standing check: are the live rows what the log says, and if not, since when.

mod following;

pub use following::{Follow, Followed, following};

use crate::digest::Digest;
use crate::generation::{self, Generation};
use crate::projector::{Read, ReadModel, step, stored};
use crate::rebuild::{Progress, RebuildFault, read_ahead};
use crate::table::Place;
use eventstore::parked::Waiting;
use eventstore::{Vault, checkpoint};
use sqlx::PgPool;
use sqlx::{PgConnection, Postgres, Row, Transaction};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// Most rows that are named.
const NAMED: usize = 20;

/// What the check saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The generation that was looked at.
    pub generation: i32,
    /// The position up to which live rows and log were compared.
    pub position: i64,
    /// Sum over the live rows.
    pub live: Digest,
    /// Sum over the rows that the log gives.
    pub log: Digest,
    /// The first position whose effect on the live rows is not the log's; none where they agree.
    pub diverges_at: Option<i64>,
    /// Tables and keys of rows that differ, at most twenty; ids only.
    pub rows: Vec<String>,
}

/// Compares live rows with a replay from zero.
///
/// The digest that the projector wrote down after each batch is compared with the replay's at the same position, so
/// that a mistake is placed where it was made and not where it was noticed. Rows that were changed behind the
/// projector's back are placed at the last event that should have changed them.
///
/// # Errors
/// When log, keys or rows cannot be read.
pub async fn check<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    progress: &Progress,
) -> Result<Checked, RebuildFault> {
    compare::<M>(pool, vault, progress, Pace::Hurried).await
}

/// The same, resting after each page for as long as the page took.
///
/// # Errors
/// As [`check`].
pub async fn check_gently<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
) -> Result<Checked, RebuildFault> {
    let quietly: Progress = Arc::new(|_, _| {});
    compare::<M>(pool, vault, &quietly, Pace::Gentle).await
}

/// How much of a processor is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Hurried,
    /// Half of it at most.
    Gentle,
}

/// Looks once more where somebody was erased or a picture purged behind the rows that were looked at: its key was gone before the
/// replay came to it, and the rows still showed it.
async fn compare<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    progress: &Progress,
    pace: Pace,
) -> Result<Checked, RebuildFault> {
    let checked = look::<M>(pool, vault, progress, pace).await?;
    match checked.diverges_at {
        Some(_) if was_taken_away_after(pool, checked.position).await? => {
            look::<M>(pool, vault, progress, pace).await
        }
        Some(_) | None => Ok(checked),
    }
}

/// Whether values went with their keys after a position.
async fn was_taken_away_after(pool: &PgPool, position: i64) -> Result<bool, sqlx::Error> {
    let asked = "SELECT EXISTS (SELECT FROM events WHERE position > $1 AND event_type IN ('SubjectErased', 'ImagePurged'))";
    let asked = sqlx::query_scalar(asked).bind(position);
    asked.fetch_one(pool).await
}

async fn look<M: ReadModel>(
    pool: &PgPool,
    vault: &Vault,
    progress: &Progress,
    pace: Pace,
) -> Result<Checked, RebuildFault> {
    let mut tx = one_view(pool).await?;
    let live = generation::live(&mut tx, M::NAME).await?;
    let position = checkpoint::read(&mut *tx, M::NAME).await?;
    let mut replay = Replay::<M>::begin(history(&mut tx, M::NAME, &live, 0).await?);
    let mut pages = read_ahead::<M>(pool.clone(), vault.clone(), 0, position);
    let mut begun = Instant::now();
    while let Some(page) = pages.next::<M>().await? {
        let last = page.last().map_or(0, |event| event.recorded().position);
        for event in page {
            replay.take(event).await?;
        }
        progress(last.unsigned_abs(), position.unsigned_abs());
        if pace == Pace::Gentle {
            tokio::time::sleep(begun.elapsed()).await;
        }
        begun = Instant::now();
    }
    replay.end(position)?;
    let schema = live.schema::<M>();
    let there = stored::<M>(&mut tx, &schema).await?;
    let mut checked = Checked {
        generation: live.number,
        position,
        live: there,
        log: replay.digest,
        diverges_at: None,
        rows: Vec::new(),
    };
    if there != replay.digest || replay.parted.is_some() {
        replay.explain(&mut tx, &schema, &mut checked).await?;
    }
    tx.commit().await?;
    Ok(checked)
}

/// One view of rows, digests and position; the projector goes on meanwhile.
async fn one_view(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    for setting in [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL idle_in_transaction_session_timeout = 0",
    ] {
        sqlx::query(setting).execute(&mut *tx).await?;
    }
    Ok(tx)
}

/// The digests that the projector wrote down after a position, oldest first.
async fn history(
    db: &mut PgConnection,
    name: &str,
    live: &Generation,
    after: i64,
) -> Result<VecDeque<(i64, Digest)>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT position, digest FROM read_digests
          WHERE name = $1 AND generation = $2 AND position > $3 ORDER BY position",
    )
    .bind(name)
    .bind(live.number)
    .bind(after)
    .fetch_all(db)
    .await?;
    rows.iter()
        .map(|row| {
            let bytes: Vec<u8> = row.try_get("digest")?;
            let bytes = bytes.try_into();
            let bytes =
                bytes.map_err(|_| sqlx::Error::Decode("a digest of another length".into()))?;
            Ok((row.try_get("position")?, Digest::from_bytes(bytes)))
        })
        .collect()
}

struct Replay<M> {
    model: M,
    waiting: Waiting,
    history: VecDeque<(i64, Digest)>,
    digest: Digest,
    /// The last position at which both agreed, and the first at which they did not.
    agreed: i64,
    parted: Option<(i64, i64)>,
}

impl<M: ReadModel> Replay<M> {
    fn begin(history: VecDeque<(i64, Digest)>) -> Self {
        Self {
            model: M::default(),
            waiting: Waiting::new(),
            history,
            digest: Digest::default(),
            agreed: 0,
            parted: None,
        }
    }

    async fn take(&mut self, event: Read) -> Result<(), sqlx::Error> {
        self.compare_before(event.recorded().position)?;
        step(
            &mut self.model,
            &mut Place::Memory,
            &event,
            &mut self.waiting,
        )
        .await?;
        if event.takes_away() {
            // Rows were made of values that nobody can open any more: digests from before say nothing now.
            (self.parted, self.agreed) = (None, event.recorded().position);
        }
        Ok(())
    }

    /// Compares with every digest that was written down before a position.
    fn compare_before(&mut self, position: i64) -> Result<(), sqlx::Error> {
        while let Some((at, written)) = self.history.front().copied()
            && at < position
        {
            self.history.pop_front();
            self.settle()?;
            if self.parted.is_none() {
                if written == self.digest {
                    self.agreed = at;
                } else {
                    self.parted = Some((self.agreed, at));
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, position: i64) -> Result<(), sqlx::Error> {
        self.compare_before(position + 1)?;
        self.settle()
    }

    fn settle(&mut self) -> Result<(), sqlx::Error> {
        for table in self.model.tables() {
            self.digest = self.digest.plus(table.settle()?);
        }
        Ok(())
    }

    /// Which rows differ, and the first position to name for it.
    async fn explain(
        &mut self,
        db: &mut PgConnection,
        schema: &str,
        checked: &mut Checked,
    ) -> Result<(), sqlx::Error> {
        let mut first: Option<i64> = None;
        for table in self.model.tables() {
            for (row, changed_at) in table.differences(db, schema).await? {
                // A row that the log does not know at all is placed where the histories part, if they do.
                let inside = |at: &i64| {
                    self.parted
                        .is_none_or(|(from, to)| (from + 1..=to).contains(at))
                };
                first = first.into_iter().chain(changed_at.filter(inside)).min();
                if checked.rows.len() < NAMED {
                    checked.rows.push(row);
                }
            }
        }
        checked.diverges_at = first
            .or(self.parted.map(|(from, _)| from + 1))
            .or(Some(checked.position));
        Ok(())
    }
}
