//! What the database keeps of a person beside her events, what it remembers of deleted rows, and how it forgets.

use chrono::{DateTime, Utc};
use domain::ids::{ImageId, UserId};
use domain::scan::{ScanKind, ScanSlot};
use sqlx::PgPool;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What stands of a subject outside of log and read models: each table, and the statement that takes her rows out of it;
/// `$1` is her id. A new table that holds something of a subject gets its line here, and so its place in the receipt. Her rows in the
/// database of keys go with her key ([`crate::Vault::destroy`]).
const PURGED: [(&str, &str); 7] = [
    (
        "parked",
        "DELETE FROM parked p USING events e
          WHERE e.event_id = p.event_id AND e.metadata->>'subject' = $1::uuid::text",
    ),
    (
        "work_leases",
        "DELETE FROM work_leases l USING events e
          WHERE e.event_id = l.event_id AND e.metadata->>'subject' = $1::uuid::text",
    ),
    ("snapshots", "DELETE FROM snapshots WHERE subject = $1"),
    (
        "idempotency_answers",
        "DELETE FROM idempotency_answers WHERE subject = $1",
    ),
    ("share_links", "DELETE FROM share_links WHERE subject = $1"),
    (
        "share_fetches",
        "DELETE FROM share_fetches WHERE subject = $1",
    ),
    ("face_vectors", "DELETE FROM face_vectors WHERE owner = $1"),
];

/// Tables up to this size are rewritten at once, with nobody reading them meanwhile. In larger ones the space is given
/// free to be overwritten.
pub(crate) const REWRITTEN_BYTES: i64 = 256 << 20;

/// Takes a subject's rows out of every table that is neither log nor read model, all in one transaction, and rewrites
/// the tables that held some; how many rows, table by table. Streams of hers wait for nobody any more, and whoever works
/// on a unit of hers has lost it.
///
/// # Errors
/// When the database does not answer; asking again is safe.
pub async fn purge(
    pool: &PgPool,
    subject: UserId,
) -> Result<Vec<(&'static str, u64)>, sqlx::Error> {
    let mut removed = Vec::with_capacity(PURGED.len());
    let mut tx = pool.begin().await?;
    for (table, delete) in PURGED {
        let gone = sqlx::query(delete).bind(subject.0).execute(&mut *tx);
        removed.push((table, gone.await?.rows_affected()));
    }
    tx.commit().await?;
    for (table, _) in removed.iter().filter(|(_, rows)| *rows > 0) {
        rewrite(pool, table).await?;
    }
    Ok(removed)
}

/// Writes a table anew, so that no page of it holds what was deleted; a large one is only vacuumed.
///
/// # Errors
/// When the database does not answer, or there is no such table.
pub async fn rewrite(pool: &PgPool, table: &str) -> Result<(), sqlx::Error> {
    let bytes: i64 = sqlx::query_scalar("SELECT pg_total_relation_size($1::text::regclass)")
        .bind(table)
        .fetch_one(pool)
        .await?;
    let how = if bytes <= REWRITTEN_BYTES {
        "VACUUM (FULL)"
    } else {
        "VACUUM"
    };
    sqlx::query(&format!("{how} {table}"))
        .persistent(false)
        .execute(pool)
        .await
        .map(drop)
}

/// The pictures that her library ever named, as the rows stand: also of an event that no program can read any more.
///
/// # Errors
/// When the database does not answer.
pub async fn pictures_of(pool: &PgPool, owner: UserId) -> Result<BTreeSet<ImageId>, sqlx::Error> {
    // By the text, not by the fact: ids stand in the clear in every version of every fact about a picture.
    let named: Vec<String> = sqlx::query_scalar(
        r#"SELECT DISTINCT (regexp_matches(payload::text, '"image_id"\s*:\s*"([0-9A-Fa-f-]{36})"', 'g'))[1]
             FROM events WHERE aggregate_type = 'image' AND aggregate_id = $1"#,
    )
    .bind(owner.to_string())
    .fetch_all(pool)
    .await?;
    let ids = named.iter().filter_map(|id| id.parse::<Uuid>().ok());
    Ok(ids.map(ImageId).collect())
}

/// How often an engine was asked about pictures of a member, as the log says it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Asked {
    /// The engine, as `tineye`; nothing where the fact does not tell.
    pub engine: Option<String>,
    /// Questions it answered: it was sent a picture each time.
    pub answered: i64,
    /// Questions it did not answer: it may have been sent a picture.
    pub failed: i64,
    /// The first question.
    pub first_at: Option<DateTime<Utc>>,
    /// The last question.
    pub last_at: Option<DateTime<Utc>>,
}

/// Which engines were asked about pictures of hers: what left Vara, and cannot be deleted from here.
///
/// # Errors
/// When the database does not answer.
pub async fn engines_asked(pool: &PgPool, owner: UserId) -> Result<Vec<Asked>, sqlx::Error> {
    let slots = ScanKind::ALL.map(|kind| ScanSlot::id(owner, kind).to_string());
    sqlx::query_as(
        "SELECT payload->event_type->>'provider' AS engine,
                count(*) FILTER (WHERE event_type = 'ProviderQueried') AS answered,
                count(*) FILTER (WHERE event_type = 'ProviderFailed') AS failed,
                min(recorded_at) AS first_at, max(recorded_at) AS last_at
           FROM events
          WHERE aggregate_type = 'scan' AND aggregate_id = ANY ($1)
            AND event_type IN ('ProviderQueried', 'ProviderFailed')
          GROUP BY 1 ORDER BY 1",
    )
    .bind(slots.as_slice())
    .fetch_all(pool)
    .await
}

/// Has the write-ahead log go on in a new file and lets go of the older ones, which repeat what read models held.
///
/// Files that a standby or an archive still needs stay until it has them: they follow its own retention (docs,
/// operating). Without the right to ask for it, the next regular checkpoint does the same within minutes.
pub async fn overwrite_log_of_changes(pool: &PgPool) {
    // Two: the first one lets go of files before the checkpoint before it.
    for _ in 0..2 {
        for statement in ["SELECT pg_switch_wal()", "CHECKPOINT"] {
            if let Err(fault) = sqlx::query(statement).execute(pool).await {
                tracing::info!(%fault, "old files of the write-ahead log go with the next checkpoint");
                return;
            }
        }
    }
}
