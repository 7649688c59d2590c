//! An event exactly as it is stored, text for text: what is hashed, exported and proved.

use crate::log::ReadFault;
use crate::recorded::Recorded;
use crate::why::Circumstances;
use chrono::DateTime;
use proof::{Entry, Id, LeafHash};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};
use uuid::Uuid;

/// Columns of [`Stored`]; the time in whole microseconds, as it is hashed.
const COLUMNS: &str = "position, aggregate_type, aggregate_id, sequence, event_type, event_version,
    (extract(epoch FROM recorded_at) * 1000000)::bigint AS recorded_at_us, event_id, command_id,
    payload::text AS payload, metadata::text AS metadata";
/// First bytes of a leaf: name and version of the construction, ended by a zero.
const LEAF: &[u8] = b"vara.leaf.v1\0";

/// One stored event.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Place in the log, from 1.
    pub position: i64,
    noun: String,
    stream: String,
    sequence: i64,
    event_type: String,
    event_version: String,
    recorded_at_us: i64,
    /// Its id.
    pub event_id: Uuid,
    command_id: Option<Uuid>,
    payload: String,
    metadata: String,
}

impl Stored {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            position: row.try_get("position")?,
            noun: row.try_get("aggregate_type")?,
            stream: row.try_get("aggregate_id")?,
            sequence: row.try_get("sequence")?,
            event_type: row.try_get("event_type")?,
            event_version: row.try_get("event_version")?,
            recorded_at_us: row.try_get("recorded_at_us")?,
            event_id: row.try_get("event_id")?,
            command_id: row.try_get("command_id")?,
            payload: row.try_get("payload")?,
            metadata: row.try_get("metadata")?,
        })
    }

    /// At most `limit` events after a position and up to another one, in order and without a gap.
    ///
    /// # Errors
    /// [`ReadFault::Gap`], or the database does not answer.
    pub async fn read(
        pool: &PgPool,
        after: i64,
        until: i64,
        limit: i64,
    ) -> Result<Vec<Self>, ReadFault> {
        let statement = format!(
            "SELECT {COLUMNS} FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"
        );
        let rows = sqlx::query(&statement)
            .bind(after)
            .bind(until)
            .bind(limit)
            .fetch_all(pool)
            .await?;
        let mut events = Vec::with_capacity(rows.len());
        for (row, position) in rows.iter().zip(after + 1..) {
            let event = Self::from_row(row)?;
            if event.position != position {
                return Err(ReadFault::Gap { position });
            }
            events.push(event);
        }
        Ok(events)
    }

    /// The event with this id.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn find(pool: &PgPool, event_id: Uuid) -> Result<Option<Self>, ReadFault> {
        let statement = format!("SELECT {COLUMNS} FROM events WHERE event_id = $1");
        let row = sqlx::query(&statement)
            .bind(event_id)
            .fetch_optional(pool)
            .await?;
        Ok(row.as_ref().map(Self::from_row).transpose()?)
    }

    /// The hash of its leaf, `vara.leaf.v1` (docs, the proof): SHA-256 over a zero byte and the fixed envelope. The
    /// verifier has code of its own for this, so that one mistake is not made twice.
    #[must_use]
    pub fn leaf(&self) -> LeafHash {
        let mut leaf = Sha256::new();
        // RFC 6962, section 2.1: leaves begin with zero, inner nodes with one.
        leaf.update([0]);
        leaf.update(LEAF);
        leaf.update(self.position.to_be_bytes());
        prefixed(&mut leaf, &self.noun);
        prefixed(&mut leaf, &self.stream);
        leaf.update(self.sequence.to_be_bytes());
        prefixed(&mut leaf, &self.event_type);
        prefixed(&mut leaf, &self.event_version);
        leaf.update(self.recorded_at_us.to_be_bytes());
        leaf.update(self.event_id.as_bytes());
        match &self.command_id {
            None => leaf.update([0]),
            Some(id) => {
                leaf.update([1]);
                leaf.update(id.as_bytes());
            }
        }
        leaf.update(Sha256::digest(&self.payload));
        leaf.update(Sha256::digest(&self.metadata));
        proof::Hash(leaf.finalize().into())
    }

    /// As readers of the log get it; here what cannot be read is told at once.
    pub(crate) fn recorded(self) -> Result<Recorded, ReadFault> {
        let position = self.position;
        let unreadable = |what: &str| ReadFault::Unreadable {
            position,
            what: what.to_owned(),
        };
        let at = DateTime::from_timestamp_micros(self.recorded_at_us);
        Ok(Recorded {
            position,
            event_id: self.event_id,
            noun: self.noun,
            stream: self.stream,
            sequence: self.sequence,
            event_type: self.event_type,
            event_version: self.event_version,
            recorded_at: at.ok_or_else(|| unreadable("its time"))?,
            why: serde_json::from_str(&self.metadata)
                .map(Circumstances::Known)
                .map_err(|_| unreadable("its metadata"))?,
            payload: serde_json::from_str(&self.payload).map_err(|_| unreadable("its payload"))?,
        })
    }

    /// As auditors get it.
    #[must_use]
    pub fn entry(self) -> Entry {
        Entry {
            position: self.position.unsigned_abs(),
            noun: self.noun,
            stream: self.stream,
            sequence: self.sequence.unsigned_abs(),
            event_type: self.event_type,
            event_version: self.event_version,
            recorded_at_us: self.recorded_at_us,
            event_id: Id(self.event_id.into_bytes()),
            command_id: self.command_id.map(|id| Id(id.into_bytes())),
            payload: self.payload,
            metadata: self.metadata,
        }
    }
}

/// The length in four bytes, then the text: where one text ends is part of what is hashed.
fn prefixed(leaf: &mut Sha256, text: &str) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    leaf.update(length.to_be_bytes());
    leaf.update(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn writer_and_verifier_hash_every_event_alike(
            (position, sequence, at) in (1_i64.., 1_i64.., any::<i64>()),
            texts in prop::array::uniform6("\\PC{0,40}"),
            id in any::<u128>(), command in any::<Option<u128>>(),
        ) {
            let [noun, stream, event_type, event_version, payload, metadata] = texts;
            let event = Stored {
                position, noun, stream, sequence, event_type, event_version,
                recorded_at_us: at,
                event_id: Uuid::from_u128(id),
                command_id: command.map(Uuid::from_u128),
                payload, metadata,
            };
            let leaf = event.leaf();
            prop_assert_eq!(proof::leaf::leaf_hash(&event.entry()).unwrap(), leaf);
        }
    }
}
