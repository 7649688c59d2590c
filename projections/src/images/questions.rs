//! What is asked of her library: one picture, or a page of them.

use super::ImageRow;
use crate::page::{Listed, Page};
use crate::source::Source;
use chrono::{DateTime, Utc};
use domain::ids::{ImageId, UserId};
use uuid::Uuid;

/// Which pictures of a library (IMG-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All that are not archived.
    All,
    /// Those that are not archived and were searched for.
    Scanned,
    /// Those that are not archived and were not searched for.
    NotScanned,
    /// Archived ones.
    Archived,
}

const COLUMNS: &str = "image_id, owner, content_type, size_bytes, width, height, near_copy_of, \
                       uploaded_at, last_scanned, scan_count, match_count, archived_at, restored_at, embedded_by";

/// Her picture with this id, ACTIVE or ARCHIVED.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    from: impl Into<Source<'_>>,
    owner: UserId,
    image: ImageId,
) -> Result<Option<ImageRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_images WHERE image_id = $1 AND owner = $2"
    ))
    .bind(image.0)
    .bind(owner.0)
    .fetch_optional(&mut *db)
    .await
}

/// Whose a picture is, and when it was last put away or taken back: for whoever comes with a link and not as a member.
///
/// # Errors
/// When the database does not answer.
pub async fn whose(
    from: impl Into<Source<'_>>,
    image: ImageId,
) -> Result<Option<(UserId, Option<DateTime<Utc>>)>, sqlx::Error> {
    let mut db = from.into().open().await?;
    let found: Option<(Uuid, Option<DateTime<Utc>>)> = sqlx::query_as(
        "SELECT owner, coalesce(archived_at, restored_at) FROM read_images WHERE image_id = $1",
    )
    .bind(image.0)
    .fetch_optional(&mut *db)
    .await?;
    Ok(found.map(|(owner, moved_at)| (UserId(owner), moved_at)))
}

/// Her pictures, newest first (IMG-4).
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    from: impl Into<Source<'_>>,
    owner: UserId,
    filter: Filter,
    page: Page,
) -> Result<Listed<ImageRow>, sqlx::Error> {
    let mut db = from.into().open().await?;
    let chosen = match filter {
        Filter::All => "archived_at IS NULL",
        Filter::Scanned => "archived_at IS NULL AND last_scanned IS NOT NULL",
        Filter::NotScanned => "archived_at IS NULL AND last_scanned IS NULL",
        Filter::Archived => "archived_at IS NOT NULL",
    };
    let rows = sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_images WHERE owner = $1 AND {chosen}
          ORDER BY uploaded_at DESC, image_id LIMIT $2 OFFSET $3"
    ))
    .bind(owner.0)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(&mut *db)
    .await?;
    let total = sqlx::query_scalar(&format!(
        "SELECT count(*) FROM read_images WHERE owner = $1 AND {chosen}"
    ))
    .bind(owner.0)
    .fetch_one(&mut *db)
    .await?;
    Ok(Listed { rows, total })
}
