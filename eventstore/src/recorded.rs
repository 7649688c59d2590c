//! An event as it stands in the log: sealed, positioned, with its circumstances.

use crate::keys::Vault;
use crate::log::ReadFault;
use crate::unopened::{Keys, Unopened};
use crate::why::{Circumstances, Why};
use chrono::{DateTime, Utc};
use domain::Event;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

/// The columns of an event, in the order in which [`Recorded::from_row`] takes them: by place, because finding a column
/// by its name costs as much as reading it.
pub(crate) const COLUMNS: &str = "position, event_id, aggregate_type, aggregate_id, sequence, event_type, \
                                  event_version, recorded_at, metadata, payload";
/// The place of the payload among [`COLUMNS`].
pub(crate) const PAYLOAD: usize = 9;

/// One event of the log. Its personal values are ciphertext, so it may travel over the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Place in the one gapless log, from 1.
    pub position: i64,
    /// Its id.
    pub event_id: Uuid,
    /// The noun: `user`, `image`, `scan`, `match`, `alert`, `plan`, `hash_case`.
    pub noun: String,
    /// The stream within the noun.
    pub stream: String,
    /// Place in the stream, from 1.
    pub sequence: i64,
    /// The fact's name, as `MatchFound`.
    pub event_type: String,
    /// Version of the fact's shape.
    pub event_version: String,
    /// When it was recorded, by the database's clock.
    pub recorded_at: DateTime<Utc>,
    /// Who, why, for whom; of a row that Vara did not write they may be unreadable.
    pub why: Circumstances,
    /// The fact, sealed.
    pub payload: Value,
}

/// An event whose personal values were opened, or found erased.
#[derive(Debug, Clone)]
pub struct Opened {
    /// As it stands in the log, without the payload, which is opened in `event`.
    pub recorded: Recorded,
    /// Its circumstances: what has none is not opened.
    pub why: Why,
    /// What it says.
    pub event: Event,
}

impl Recorded {
    /// Of a row that was asked for by [`COLUMNS`].
    pub(crate) fn from_row(row: &PgRow) -> Result<Self, ReadFault> {
        let payload = match row.try_get(PAYLOAD) {
            // JSON to PostgreSQL and not to us, as one half of a surrogate pair is: no fact, as opening it tells.
            Err(sqlx::Error::ColumnDecode { .. }) => Value::Null,
            read => read?,
        };
        Ok(Self {
            payload,
            ..Self::without_payload(row)?
        })
    }

    /// The same without the payload, which is then null.
    pub(crate) fn without_payload(row: &PgRow) -> Result<Self, ReadFault> {
        // Found out by whoever needs them: an error here would stop every reader at this one row.
        let why = row.try_get(8);
        let why = why.map_or(Circumstances::Unreadable, |Json(why)| {
            Circumstances::Known(why)
        });
        Ok(Self {
            position: row.try_get(0)?,
            event_id: row.try_get(1)?,
            noun: row.try_get(2)?,
            stream: row.try_get(3)?,
            sequence: row.try_get(4)?,
            event_type: row.try_get(5)?,
            event_version: row.try_get(6)?,
            recorded_at: row.try_get(7)?,
            why,
            payload: Value::Null,
        })
    }

    /// Opens the personal values under the subject's key and reads the fact.
    ///
    /// # Errors
    /// [`ReadFault`] naming the position, when a key is missing, a value does not open, or the fact does not read.
    pub async fn open(self, vault: &Vault) -> Result<Opened, ReadFault> {
        let opened = Unopened::from(self).open(&mut Keys::none(vault)).await;
        opened.map_err(|(_, fault)| fault)
    }
}
