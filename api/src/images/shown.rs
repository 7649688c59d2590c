//! A picture as the contract shows it.

use crate::links::Links;
use crate::time::Time;
use chrono::{DateTime, Utc};
use domain::image::purge_at;
use eventstore::view_link::Shown;
use poem_openapi::{Enum, Object};
use projections::images::ImageRow;
use uuid::Uuid;

/// A picture of hers. Hash, vector and place of the bytes stay inside (IMG-9).
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
pub struct ProtectedImage {
    /// The picture.
    id: Uuid,
    /// Whose.
    user_id: Uuid,
    /// Where it stands.
    status: ImageStatus,
    /// When she gave it to us.
    uploaded_at: Time,
    /// End of the last search that reached an engine.
    last_scanned: Option<Time>,
    /// When she put it away.
    archived_at: Option<Time>,
    /// When its bytes go.
    purge_at: Option<Time>,
    /// Finished searches.
    scan_count: i32,
    /// Findings that she did not dismiss.
    match_count: i32,
    /// Whether a face was seen in it; only while she agrees to FACE_SEARCH (PIP-4).
    /// `false` is no finding: nobody may have looked yet, or have managed to (GEN-3).
    face_detected: bool,
    /// Pixels, upright.
    width: i32,
    /// Pixels, upright.
    height: i32,
    /// Media type of the original.
    content_type: String,
    /// Bytes of the original.
    size_bytes: i32,
    /// An earlier picture of her library that looks the same.
    near_copy_of: Option<Uuid>,
    /// A short-lived address to look at it.
    signed_url: Option<String>,
    /// When these addresses end.
    signed_url_expires_at: Option<Time>,
    /// A short-lived address to look at a small copy of it.
    thumbnail_url: Option<String>,
    /// The address of the large copy again, for older clients.
    storage_url: Option<String>,
}

/// Where a picture stands.
#[derive(Debug, Enum)]
#[oai(rename_all = "UPPERCASE")]
pub enum ImageStatus {
    /// Looked after.
    Active,
    /// Put away, and gone in seven days.
    Archived,
}

/// Hash, vector and place of the bytes stay inside (IMG-9). Links are made without asking anybody, and are good from this
/// time on (IMG-7).
pub(super) fn show(
    links: &Links,
    row: ImageRow,
    face_detected: bool,
    now: DateTime<Utc>,
) -> ProtectedImage {
    let until = links.until(now);
    let link = links.to(&row, Shown::Display, until);
    let thumbnail_url = links.to(&row, Shown::Thumbnail, until);
    ProtectedImage {
        id: row.image_id,
        user_id: row.owner,
        status: match row.archived_at {
            None => ImageStatus::Active,
            Some(_) => ImageStatus::Archived,
        },
        uploaded_at: row.uploaded_at.into(),
        last_scanned: row.last_scanned.map(Time::from),
        archived_at: row.archived_at.map(Time::from),
        purge_at: row.archived_at.map(purge_at).map(Time::from),
        scan_count: row.scan_count,
        match_count: row.match_count,
        face_detected,
        width: row.width,
        height: row.height,
        content_type: row.content_type,
        size_bytes: row.size_bytes,
        near_copy_of: row.near_copy_of,
        thumbnail_url,
        signed_url_expires_at: link.is_some().then(|| until.into()),
        storage_url: link.clone(),
        signed_url: link,
    }
}
