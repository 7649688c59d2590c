//! How scans are asked for.

use super::ScanRow;
use crate::page::{Listed, Page};
use crate::source::Source;
use chrono::{DateTime, Utc};
use domain::ids::{ScanId, UserId};

/// Her scan with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    from: impl Into<Source<'_>>,
    owner: UserId,
    scan: ScanId,
) -> Result<Option<ScanRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    sqlx::query_as("SELECT * FROM read_scans WHERE scan_id = $1 AND owner = $2")
        .bind(scan.0)
        .bind(owner.0)
        .fetch_optional(&mut *db)
        .await
}

/// Which scans are asked for; an empty list means all.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// States.
    pub statuses: Vec<String>,
    /// Kinds.
    pub kinds: Vec<String>,
    /// Accepted at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Accepted before this time.
    pub to: Option<DateTime<Utc>>,
}

/// Her scans, newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    from: impl Into<Source<'_>>,
    owner: UserId,
    wanted: &Wanted,
    page: Page,
) -> Result<Listed<ScanRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    const CHOSEN: &str = "owner = $1 AND (cardinality($2::text[]) = 0 OR status = ANY ($2))
                          AND (cardinality($3::text[]) = 0 OR kind = ANY ($3))
                          AND ($4::timestamptz IS NULL OR created_at >= $4)
                          AND ($5::timestamptz IS NULL OR created_at < $5)";
    let rows = sqlx::query_as(&format!(
        "SELECT * FROM read_scans WHERE {CHOSEN} ORDER BY created_at DESC, scan_id LIMIT $6 OFFSET $7"
    ))
    .bind(owner.0)
    .bind(&wanted.statuses)
    .bind(&wanted.kinds)
    .bind(wanted.from)
    .bind(wanted.to)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(&mut *db)
    .await?;
    let total = sqlx::query_scalar(&format!("SELECT count(*) FROM read_scans WHERE {CHOSEN}"))
        .bind(owner.0)
        .bind(&wanted.statuses)
        .bind(&wanted.kinds)
        .bind(wanted.from)
        .bind(wanted.to)
        .fetch_one(&mut *db)
        .await?;
    Ok(Listed { rows, total })
}
