//! Reads the log by position: gapless, in commit order, and closed on every fault.

use crate::recorded::Recorded;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

/// Why the log could not be read on. Never swallowed: a replay that cannot go on says so.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// The database did not answer.
    #[error("the log is not reachable: {0}")]
    Unreachable(#[from] sqlx::Error),
    /// An event cannot be read; nothing after it is read either.
    #[error("the event at position {position} cannot be read: {what}")]
    Unreadable {
        /// Where it stands.
        position: i64,
        /// What is wrong; names fields, never values.
        what: String,
    },
    /// A position is missing, which the append does not allow to happen.
    #[error("the log has no event at position {position}")]
    Gap {
        /// The missing position.
        position: i64,
    },
}

/// Longest chain of causes that is followed; the longest that policies can make today has five links.
const CHAIN_MAX: usize = 32;

/// A reader of the log.
#[derive(Debug, Clone)]
pub struct Log {
    pool: PgPool,
}

impl Log {
    /// Reads from this database.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// At most `limit` events after a position, in order, without a gap. What stands before a fault is handed
    /// out; the fault meets whoever reads on after it.
    ///
    /// # Errors
    /// [`ReadFault`], when the very next event cannot be read.
    pub async fn read_after(&self, position: i64, limit: i64) -> Result<Vec<Recorded>, ReadFault> {
        let rows =
            sqlx::query("SELECT * FROM events WHERE position > $1 ORDER BY position LIMIT $2")
                .bind(position)
                .bind(limit)
                .fetch_all(&self.pool)
                .await?;
        let mut events = Vec::with_capacity(rows.len());
        for (row, expected) in rows.iter().zip(position + 1..) {
            match expect(row, expected) {
                Ok(event) => events.push(event),
                Err(fault) if events.is_empty() => return Err(fault),
                Err(_) => break,
            }
        }
        Ok(events)
    }

    /// The event with this id, if it is in the log.
    ///
    /// # Errors
    /// [`ReadFault`].
    pub async fn find(&self, event_id: Uuid) -> Result<Option<Recorded>, ReadFault> {
        let row = sqlx::query("SELECT * FROM events WHERE event_id = $1")
            .bind(event_id)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(Recorded::from_row).transpose()
    }

    /// What led to an event: itself last, its cause before it, back to the request that began it.
    ///
    /// # Errors
    /// [`ReadFault`].
    pub async fn chain(&self, event_id: Uuid) -> Result<Vec<Recorded>, ReadFault> {
        let mut chain = Vec::new();
        let mut next = self.find(event_id).await?;
        while let Some(event) = next.take() {
            let cause = event.why.cause_id;
            chain.push(event);
            if chain.len() < CHAIN_MAX {
                next = self.find(cause).await?;
            }
        }
        chain.reverse();
        Ok(chain)
    }

    /// The newest position; 0 for an empty log.
    ///
    /// # Errors
    /// [`ReadFault::Unreachable`].
    pub async fn head(&self) -> Result<i64, ReadFault> {
        Ok(newest(&self.pool).await?)
    }
}

/// The newest position; 0 for an empty log.
pub(crate) async fn newest(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM events")
        .fetch_one(pool)
        .await
}

/// The event of a row, when it stands where the one before it says.
fn expect(row: &PgRow, position: i64) -> Result<Recorded, ReadFault> {
    if row.try_get::<i64, _>("position")? != position {
        return Err(ReadFault::Gap { position });
    }
    Recorded::from_row(row)
}
