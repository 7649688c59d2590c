//! What a reader of the log could not use is parked: its stream waits for that reader, all others go on, and people
//! can see it, retry it after a fix, or let it go.

use crate::recorded::Recorded;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use std::collections::HashSet;
use uuid::Uuid;

/// One parked stream of one reader.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Parked {
    /// What it is called on the command line.
    pub id: Uuid,
    /// The reader: a read model, `policies`, or a kind of work.
    pub reader: String,
    /// The noun of the event.
    pub noun: String,
    /// Its stream; later events of it wait too.
    pub stream: String,
    /// Where the first event that could not be used stands.
    pub position: i64,
    /// Its id.
    pub event_id: Uuid,
    /// Why it could not be used: names fields and kinds, never values.
    pub reason: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was parked last.
    pub parked_at: DateTime<Utc>,
    /// When a read model's stream was let go: it is left out for good, and nobody needs to be told.
    pub let_go_at: Option<DateTime<Utc>>,
}

/// Streams that wait, as noun and stream.
pub type Waiting = HashSet<(String, String)>;

/// Parks an event's stream for a reader, in the transaction that moves the reader past it.
///
/// # Errors
/// When the database does not answer.
pub async fn park(
    tx: &mut PgConnection,
    reader: &str,
    event: &Recorded,
    reason: &str,
    attempts: i32,
) -> Result<(), sqlx::Error> {
    tracing::error!(reader, event = %event.event_id, position = event.position, reason, "an event is parked");
    sqlx::query(
        "INSERT INTO parked (reader, noun, stream, position, event_id, reason, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (reader, noun, stream) DO UPDATE
         SET attempts = parked.attempts + excluded.attempts, reason = excluded.reason,
             position = excluded.position, event_id = excluded.event_id, parked_at = clock_timestamp(),
             let_go_at = CASE WHEN parked.event_id = excluded.event_id THEN parked.let_go_at END",
    )
    .bind(reader)
    .bind(&event.noun)
    .bind(&event.stream)
    .bind(event.position)
    .bind(event.event_id)
    .bind(reason)
    .bind(attempts)
    .execute(tx)
    .await?;
    Ok(())
}

/// The streams that wait for a reader.
///
/// # Errors
/// When the database does not answer.
pub async fn waiting(db: &mut PgConnection, reader: &str) -> Result<Waiting, sqlx::Error> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT noun, stream FROM parked WHERE reader = $1")
            .bind(reader)
            .fetch_all(db)
            .await?;
    Ok(rows.into_iter().collect())
}

/// Everything that is parked and was not let go, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(pool: &PgPool) -> Result<Vec<Parked>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM parked WHERE let_go_at IS NULL ORDER BY parked_at, position")
        .fetch_all(pool)
        .await
}

/// Streams that read models leave out for good, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn let_go_of(pool: &PgPool) -> Result<Vec<Parked>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM parked WHERE let_go_at IS NOT NULL ORDER BY let_go_at, position")
        .fetch_all(pool)
        .await
}

/// Lets a read model's stream go: it stays out from where it stopped, until a rebuild can use it.
///
/// # Errors
/// When the database does not answer.
pub async fn let_go(db: &mut PgConnection, id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE parked SET let_go_at = clock_timestamp() WHERE id = $1")
        .bind(id)
        .execute(db)
        .await
        .map(drop)
}

/// One parked stream.
///
/// # Errors
/// When the database does not answer.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Parked>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM parked WHERE id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await
}

/// Takes a parked stream off the list, because it was used after all or is let go; whether it was there.
///
/// # Errors
/// When the database does not answer.
pub async fn remove(db: &mut PgConnection, id: Uuid) -> Result<bool, sqlx::Error> {
    let gone = sqlx::query("DELETE FROM parked WHERE id = $1")
        .bind(id)
        .execute(db)
        .await?;
    Ok(gone.rows_affected() > 0)
}

/// Takes a stream off a reader's list.
///
/// # Errors
/// When the database does not answer.
pub async fn forget(
    db: &mut PgConnection,
    reader: &str,
    noun: &str,
    stream: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM parked WHERE reader = $1 AND noun = $2 AND stream = $3")
        .bind(reader)
        .bind(noun)
        .bind(stream)
        .execute(db)
        .await
        .map(drop)
}
