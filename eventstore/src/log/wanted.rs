//! Reads those events of the log that somebody wants, whatever stands between them.

use super::{Log, ReadFault};
use crate::recorded::{COLUMNS, PAYLOAD, Recorded};
use crate::unopened::Unopened;
use futures::TryStreamExt;
use sqlx::Row;
use sqlx::postgres::PgRow;

/// Which events are wanted: all of some nouns, and others by name.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Nouns of which all facts are wanted.
    pub nouns: Vec<&'static str>,
    /// Names of facts, of whatever noun.
    pub names: Vec<&'static str>,
    /// Whether only the first event of each stream is.
    pub first_only: bool,
}

impl Log {
    /// At most `limit` wanted events after a position and up to another one, in order. A missing position is not
    /// noticed: see [`Log::count`]. Whether one can be read is told by opening it.
    ///
    /// # Errors
    /// [`ReadFault::Unreachable`].
    pub async fn read_wanted(
        &self,
        wanted: &Wanted,
        after: i64,
        until: i64,
        limit: i64,
    ) -> Result<Vec<Unopened>, ReadFault> {
        let all = format!(
            "SELECT {COLUMNS} FROM events WHERE position > $1 AND position <= $2
                AND (aggregate_type = ANY ($3) OR event_type = ANY ($4)) AND (sequence = 1 OR NOT $5)
              ORDER BY position LIMIT $6"
        );
        let mut rows = sqlx::query(&all)
            .bind(after)
            .bind(until)
            .bind(&wanted.nouns)
            .bind(&wanted.names)
            .bind(wanted.first_only)
            .bind(limit)
            .fetch(&self.pool);
        let mut events = Vec::with_capacity(usize::try_from(limit).unwrap_or_default());
        while let Some(row) = rows.try_next().await? {
            events.push(unopened(&row)?);
        }
        Ok(events)
    }
}

/// The event of a row, with its payload as it stands there.
fn unopened(row: &PgRow) -> Result<Unopened, ReadFault> {
    let recorded = Recorded::without_payload(row)?;
    // The binary form of `json` is its text; `jsonb` would have a version in front.
    let payload = row.try_get_raw(PAYLOAD)?.as_str();
    let payload = payload.map_err(sqlx::Error::Decode)?;
    Ok(Unopened::of_text(recorded, payload.to_owned()))
}
