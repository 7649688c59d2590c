//! Moves readers past events that change nothing of them: all that ask at once by one statement. Most events matter to
//! one read model of seven, and a statement for each of the others would cost more than the one that does something.

use super::STILL_HELD;
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Readers that may wait to be moved at once; whoever comes then waits before asking.
const WAITING_MAX: usize = 64;

/// A reader that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The reader.
    pub name: &'static str,
    /// Where it is thought to stand.
    pub from: i64,
    /// Where it is moved to.
    pub to: i64,
    /// The event there.
    pub event_id: Uuid,
    /// The term of the owner who asks.
    pub term: i64,
}

type Asked = (Pass, oneshot::Sender<bool>);

/// The readers of one process that pass events by.
#[derive(Debug, Clone)]
pub struct Passing {
    asked: mpsc::Sender<Asked>,
}

impl Passing {
    /// Moves readers in a task of its own, until nobody is left to ask.
    #[must_use]
    pub fn begin(pool: PgPool) -> Self {
        let (asked, waiting) = mpsc::channel(WAITING_MAX);
        tokio::spawn(work(pool, waiting));
        Self { asked }
    }

    /// Moves a reader, if it still stands where it is thought to stand, under the same owner, nobody holds it, and the log
    /// holds the event that it is moved to; whether it was moved. Where the database does not answer it was not, as far as
    /// we know.
    ///
    /// It is not waited for at its commit: lost, it is noticed by the next one, which finds the reader elsewhere, and
    /// nothing hangs on it.
    pub async fn pass(&self, pass: Pass) -> bool {
        let (told, moved) = oneshot::channel();
        self.asked.send((pass, told)).await.is_ok() && moved.await.unwrap_or(false)
    }
}

async fn work(pool: PgPool, mut waiting: mpsc::Receiver<Asked>) {
    let mut batch: Vec<Asked> = Vec::new();
    // Those who ask while a statement runs are moved by the next one.
    while waiting.recv_many(&mut batch, WAITING_MAX).await > 0 {
        let moved = together(&pool, batch.iter().map(|(pass, _)| pass)).await;
        let moved = moved.unwrap_or_else(|fault| {
            tracing::debug!(%fault, "no reader was moved");
            Vec::new()
        });
        for (pass, told) in batch.drain(..) {
            let is_moved = |(name, to): &(String, i64)| name == pass.name && *to == pass.to;
            // Whoever asked may be gone, and learns it from the checkpoint when it comes back.
            let _: Result<(), bool> = told.send(moved.iter().any(is_moved));
        }
    }
}

/// The readers that were moved, and where to. One that is held (a batch, a rebuild that takes its place) is left out:
/// the others do not wait for it.
async fn together(
    pool: &PgPool,
    passes: impl Iterator<Item = &Pass> + Clone,
) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let column = |of: fn(&Pass) -> i64| passes.clone().map(of).collect::<Vec<_>>();
    let moved = format!(
        "WITH hasty AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
              free AS MATERIALIZED (
              SELECT c.name, a.reached, a.event_id
                FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::uuid[], $5::bigint[])
                     AS a(name, stood, reached, event_id, term)
                JOIN checkpoints c ON c.name = a.name AND c.position = a.stood AND c.term = a.term AND {STILL_HELD}
                 AND EXISTS (SELECT FROM events l WHERE l.position = a.reached AND l.event_id = a.event_id)
                 FOR UPDATE OF c SKIP LOCKED)
         UPDATE checkpoints c SET position = free.reached, event_id = free.event_id FROM free, hasty
          WHERE c.name = free.name RETURNING c.name, c.position"
    );
    sqlx::query_as(&moved)
        .bind(passes.clone().map(|pass| pass.name).collect::<Vec<_>>())
        .bind(column(|pass| pass.from))
        .bind(column(|pass| pass.to))
        .bind(passes.clone().map(|pass| pass.event_id).collect::<Vec<_>>())
        .bind(column(|pass| pass.term))
        .fetch_all(pool)
        .await
}
