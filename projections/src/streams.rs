//! Which streams hold something of whom: where reading her history, and erasing her, begins.

use crate::projector::{Facts, ReadModel};
use crate::source::Source;
use crate::table::{AnyTable, Place, Row, Table};
use domain::ids::UserId;
use eventstore::Opened;
use serde::Serialize;
use uuid::Uuid;

/// One stream. It stays after an erasure: it names nobody, and her events stay in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct StreamRow {
    /// The noun.
    pub noun: String,
    /// The stream within the noun.
    pub stream: String,
    /// Whose personal values its events hold.
    pub owner: Uuid,
}

impl Row for StreamRow {
    const TABLE: &'static str = "read_streams";
    const KEY: &'static [&'static str] = &["noun", "stream"];
    type Key = (String, String);

    fn key(&self) -> Self::Key {
        (self.noun.clone(), self.stream.clone())
    }

    fn owner(&self) -> Uuid {
        self.owner
    }
}

/// The read model.
#[derive(Debug, Default)]
pub struct Streams {
    streams: Table<StreamRow>,
}

impl ReadModel for Streams {
    const NAME: &'static str = "streams";
    const SHAPE: i32 = 1;
    const READS: &'static [Facts] = &[
        ("user", &[]),
        ("image", &[]),
        ("scan", &[]),
        ("match", &[]),
        ("alert", &[]),
        ("plan", &[]),
        ("hash_case", &[]),
    ];
    // Whose a stream is never changes, so its first event says it.
    const FIRST_ONLY: bool = true;

    fn tables(&mut self) -> Vec<&mut dyn AnyTable> {
        vec![&mut self.streams]
    }

    async fn apply(&mut self, _place: &mut Place<'_>, event: &Opened) -> Result<(), sqlx::Error> {
        self.streams.insert(StreamRow {
            noun: event.recorded.noun.clone(),
            stream: event.recorded.stream.clone(),
            owner: event.why.subject.0,
        });
        Ok(())
    }
}

/// Her streams, by noun.
///
/// # Errors
/// When the database does not answer.
pub async fn of(from: impl Into<Source<'_>>, owner: UserId) -> Result<Vec<StreamRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    sqlx::query_as(
        "SELECT noun, stream, owner FROM read_streams WHERE owner = $1 ORDER BY noun, stream",
    )
    .bind(owner.0)
    .fetch_all(&mut *db)
    .await
}
