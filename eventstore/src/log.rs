//! Reads the log by position: gapless, in commit order, and closed on every fault.

mod command;
mod fault;
mod wanted;

pub use fault::ReadFault;
pub use wanted::Wanted;

use crate::recorded::{COLUMNS, Recorded};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

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
        self.page(position, limit, 0).await
    }

    /// At most `limit` events after one that was read before, and that one's id: it is read again with them, so that whoever
    /// goes on learns in the same question what stands there now. No id at position 0.
    ///
    /// # Errors
    /// [`ReadFault`], when the very next event cannot be read, or nothing stands at the position.
    pub async fn read_on(
        &self,
        position: i64,
        limit: i64,
    ) -> Result<(Option<Uuid>, Vec<Recorded>), ReadFault> {
        if position == 0 {
            return Ok((None, self.read_after(0, limit).await?));
        }
        let mut events = self.page(position - 1, limit + 1, 1).await?.into_iter();
        let seen = events.next().ok_or(ReadFault::Gap { position })?;
        Ok((Some(seen.event_id), events.collect()))
    }

    /// At most `limit` events after a position. A fault behind more than `seen` of them is left to whoever reads on.
    async fn page(
        &self,
        position: i64,
        limit: i64,
        seen: usize,
    ) -> Result<Vec<Recorded>, ReadFault> {
        let all =
            format!("SELECT {COLUMNS} FROM events WHERE position > $1 ORDER BY position LIMIT $2");
        let rows = sqlx::query(&all)
            .bind(position)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let mut events = Vec::with_capacity(rows.len());
        for (row, expected) in rows.iter().zip(position + 1..) {
            match expect(row, expected) {
                Ok(event) => events.push(event),
                Err(fault) if events.len() <= seen => return Err(fault),
                Err(_) => break,
            }
        }
        Ok(events)
    }

    /// Position and stream of at most `limit` events before a position, newest first.
    pub(crate) async fn places_before(
        &self,
        position: i64,
        limit: i64,
    ) -> Result<Vec<(i64, String)>, ReadFault> {
        let places = sqlx::query_as(
            "SELECT position, aggregate_id FROM events WHERE position < $1 ORDER BY position DESC LIMIT $2",
        );
        let places = places.bind(position).bind(limit);
        Ok(places.fetch_all(&self.pool).await?)
    }

    /// All events after a position up to another one, at most 100,000.
    ///
    /// # Errors
    /// [`ReadFault`].
    pub async fn read_between(&self, after: i64, until: i64) -> Result<Vec<Recorded>, ReadFault> {
        let wanted = (until - after).clamp(0, 100_000);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        self.read_after(after, wanted).await
    }

    /// The events of some streams, each given as noun and stream, up to a position, in order; at most `limit`.
    ///
    /// # Errors
    /// [`ReadFault`], when one of them cannot be read.
    pub async fn read_streams(
        &self,
        streams: Vec<(String, String)>,
        until: i64,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadFault> {
        let (nouns, streams): (Vec<_>, Vec<_>) = streams.into_iter().unzip();
        let theirs = format!(
            "SELECT {COLUMNS} FROM unnest($1::text[], $2::text[]) AS s(noun, stream)
               JOIN events e ON e.aggregate_type = s.noun AND e.aggregate_id = s.stream
              WHERE e.position <= $3 ORDER BY e.position LIMIT $4"
        );
        let rows = sqlx::query(&theirs)
            .bind(nouns)
            .bind(streams)
            .bind(until)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(Recorded::from_row).collect()
    }

    /// The events of one stream after a position up to another one, in order; at most 1,000.
    ///
    /// # Errors
    /// [`ReadFault`], when one of them cannot be read.
    pub async fn read_stream(
        &self,
        noun: &str,
        stream: &str,
        after: i64,
        until: i64,
    ) -> Result<Vec<Recorded>, ReadFault> {
        let its = format!(
            "SELECT {COLUMNS} FROM events WHERE aggregate_type = $1 AND aggregate_id = $2
                AND position > $3 AND position <= $4 ORDER BY sequence LIMIT 1000"
        );
        let rows = sqlx::query(&its)
            .bind(noun)
            .bind(stream)
            .bind(after)
            .bind(until)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(Recorded::from_row).collect()
    }

    /// The position of the last event that was recorded by a time; 0 before the first.
    ///
    /// Found by halving: recording times rise with positions, as far as the database's clock does.
    ///
    /// # Errors
    /// [`ReadFault`].
    pub async fn position_at(&self, time: DateTime<Utc>) -> Result<i64, ReadFault> {
        let (mut by_then, mut later) = (0, self.head().await? + 1);
        while later - by_then > 1 {
            let middle = by_then + (later - by_then) / 2;
            let recorded: DateTime<Utc> =
                sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = $1")
                    .bind(middle)
                    .fetch_optional(&self.pool)
                    .await?
                    .ok_or(ReadFault::Gap { position: middle })?;
            if recorded <= time {
                by_then = middle;
            } else {
                later = middle;
            }
        }
        Ok(by_then)
    }

    /// Makes sure that no position up to this one is missing.
    ///
    /// # Errors
    /// [`ReadFault::Gap`] with the first missing position.
    pub async fn count(&self, until: i64) -> Result<(), ReadFault> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE position <= $1")
            .bind(until)
            .fetch_one(&self.pool)
            .await?;
        if count == until {
            return Ok(());
        }
        let position: Option<i64> = sqlx::query_scalar(
            "SELECT min(n) FROM generate_series(1, $1) AS n
              WHERE NOT EXISTS (SELECT FROM events e WHERE e.position = n)",
        )
        .bind(until)
        .fetch_one(&self.pool)
        .await?;
        let position = position.unwrap_or(until);
        Err(ReadFault::Gap { position })
    }

    /// The event with this id, if it is in the log.
    ///
    /// # Errors
    /// [`ReadFault`].
    pub async fn find(&self, event_id: Uuid) -> Result<Option<Recorded>, ReadFault> {
        let one = format!("SELECT {COLUMNS} FROM events WHERE event_id = $1");
        let row = sqlx::query(&one)
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
            let cause = event.why.known().map(|why| why.cause_id);
            chain.push(event);
            if let Some(cause) = cause
                && chain.len() < CHAIN_MAX
            {
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
    if row.try_get::<i64, _>(0)? != position {
        return Err(ReadFault::Gap { position });
    }
    Recorded::from_row(row)
}
