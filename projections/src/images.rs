//! Her library: the pictures she gave us, how often they were searched for, and which look alike.

use crate::page::{Listed, Page};
use crate::projector::ReadModel;
use chrono::{DateTime, Utc};
use domain::Event;
use domain::ids::{ImageId, UserId};
use domain::image::{Fingerprint, ImageEvent, Vector};
use domain::matches::MatchEvent;
use domain::scan::{ScanEvent, UnitOutcome};
use eventstore::Opened;
use pgvector::Bit;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// One picture. Hash and vector stay inside (IMG-9).
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ImageRow {
    /// The picture.
    pub image_id: Uuid,
    /// Whose.
    pub owner: Uuid,
    /// Media type of the original.
    pub content_type: String,
    /// Bytes of the original.
    pub size_bytes: i32,
    /// Pixels, upright.
    pub width: i32,
    /// Pixels, upright.
    pub height: i32,
    /// An earlier picture that it is a near copy of.
    pub near_copy_of: Option<Uuid>,
    /// When she gave it to us.
    pub uploaded_at: DateTime<Utc>,
    /// End of the last analysis that reached an engine (IMG-8).
    pub last_scanned: Option<DateTime<Utc>>,
    /// Finished analyses (IMG-8).
    pub scan_count: i32,
    /// Matches that are not dismissed (IMG-8).
    pub match_count: i32,
}

/// Which pictures of a library (IMG-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All that are not archived.
    All,
    /// Those that were searched for.
    Scanned,
    /// Those that were not.
    NotScanned,
    /// Archived ones; archiving does not exist yet, so there are none.
    Archived,
}

/// The read model.
#[derive(Debug)]
pub struct Images;

impl ReadModel for Images {
    const NAME: &'static str = "images_v1";

    async fn apply(tx: &mut PgConnection, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Image(image) => apply_image(tx, image).await,
            Event::Scan(ScanEvent::ImageScanned {
                image_id,
                outcome,
                scanned_at,
                ..
            }) => {
                let reached = match outcome {
                    UnitOutcome::Done | UnitOutcome::Partial => Some(*scanned_at),
                    UnitOutcome::Skipped | UnitOutcome::Failed(_) => None,
                };
                sqlx::query(
                    "UPDATE read_images SET scan_count = scan_count + 1,
                            last_scanned = coalesce($2, last_scanned) WHERE image_id = $1",
                )
                .bind(image_id.0)
                .bind(reached)
                .execute(tx)
                .await?;
                Ok(())
            }
            Event::Match(MatchEvent::MatchFound { image_id, .. }) => {
                sqlx::query(
                    "UPDATE read_images SET match_count = match_count + 1 WHERE image_id = $1",
                )
                .bind(image_id.0)
                .execute(tx)
                .await?;
                Ok(())
            }
            Event::Match(MatchEvent::MatchSeenAgain { .. })
            | Event::Scan(
                ScanEvent::ScanStarted { .. }
                | ScanEvent::ScanBegun { .. }
                | ScanEvent::ProviderQueried { .. }
                | ScanEvent::ProviderFailed { .. }
                | ScanEvent::ScanCompleted { .. }
                | ScanEvent::ScanFailed { .. },
            )
            | Event::User(_)
            | Event::Alert(_)
            | Event::Plan(_) => Ok(()),
        }
    }
}

async fn apply_image(tx: &mut PgConnection, event: &ImageEvent) -> Result<(), sqlx::Error> {
    match event {
        ImageEvent::ImageUploaded {
            owner,
            image_id,
            content_type,
            size_bytes,
            width,
            height,
            fingerprint,
            near_copy_of,
            uploaded_at,
            ..
        } => {
            sqlx::query(
                "INSERT INTO read_images (image_id, owner, content_type, size_bytes, width, height,
                                          near_copy_of, uploaded_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(image_id.0)
            .bind(owner.0)
            .bind(content_type)
            .bind(whole(*size_bytes)?)
            .bind(whole(*width)?)
            .bind(whole(*height)?)
            .bind(near_copy_of.as_ref().map(|near| near.image_id.0))
            .bind(uploaded_at)
            .execute(&mut *tx)
            .await?;
            match fingerprint.as_ref().and_then(|f| f.known()) {
                Some(known) => keep_hash(tx, *owner, *image_id, known).await,
                None => Ok(()),
            }
        }
        ImageEvent::ImageEmbedded {
            owner,
            image_id,
            model,
            vector,
            ..
        } => match vector.known() {
            Some(vector) => keep_vector(tx, *owner, *image_id, model, vector).await,
            None => Ok(()),
        },
    }
}

async fn keep_hash(
    tx: &mut PgConnection,
    owner: UserId,
    image: ImageId,
    fingerprint: &Fingerprint,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO read_image_hashes (image_id, owner, pdq, quality) VALUES ($1, $2, $3, $4)",
    )
    .bind(image.0)
    .bind(owner.0)
    .bind(bits(&fingerprint.pdq)?)
    .bind(i16::from(fingerprint.quality))
    .execute(tx)
    .await?;
    Ok(())
}

async fn keep_vector(
    tx: &mut PgConnection,
    owner: UserId,
    image: ImageId,
    model: &str,
    vector: &Vector,
) -> Result<(), sqlx::Error> {
    let numbers = vector
        .numbers()
        .map_err(|fault| sqlx::Error::Decode(fault.into()))?;
    sqlx::query(
        "INSERT INTO read_image_vectors (owner, model, image_id, vector) VALUES ($1, $2, $3, $4)",
    )
    .bind(owner.0)
    .bind(model)
    .bind(image.0)
    .bind(pgvector::Vector::from(numbers))
    .execute(tx)
    .await?;
    Ok(())
}

/// 64 hex digits as `bit(256)`.
pub(crate) fn bits(hex: &str) -> Result<Bit, sqlx::Error> {
    // Another length would be cut or filled by the database without a word.
    let mut bytes = [0_u8; 32];
    hex::decode_to_slice(hex, &mut bytes).map_err(|fault| sqlx::Error::Decode(fault.into()))?;
    Ok(Bit::from_bytes(&bytes))
}

fn whole(number: u32) -> Result<i32, sqlx::Error> {
    i32::try_from(number).map_err(|fault| sqlx::Error::Decode(fault.into()))
}

const COLUMNS: &str = "image_id, owner, content_type, size_bytes, width, height, near_copy_of, \
                       uploaded_at, last_scanned, scan_count, match_count";

/// Her picture with this id.
///
/// # Errors
/// When the database does not answer.
pub async fn find(
    pool: &PgPool,
    owner: UserId,
    image: ImageId,
) -> Result<Option<ImageRow>, sqlx::Error> {
    sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_images WHERE image_id = $1 AND owner = $2"
    ))
    .bind(image.0)
    .bind(owner.0)
    .fetch_optional(pool)
    .await
}

/// Her pictures, newest first (IMG-4).
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    pool: &PgPool,
    owner: UserId,
    filter: Filter,
    page: Page,
) -> Result<Listed<ImageRow>, sqlx::Error> {
    let chosen = match filter {
        Filter::All => "true",
        Filter::Scanned => "last_scanned IS NOT NULL",
        Filter::NotScanned => "last_scanned IS NULL",
        Filter::Archived => "false",
    };
    let rows = sqlx::query_as(&format!(
        "SELECT {COLUMNS} FROM read_images WHERE owner = $1 AND {chosen}
          ORDER BY uploaded_at DESC, image_id LIMIT $2 OFFSET $3"
    ))
    .bind(owner.0)
    .bind(page.limit())
    .bind(page.offset())
    .fetch_all(pool)
    .await?;
    let total = sqlx::query_scalar(&format!(
        "SELECT count(*) FROM read_images WHERE owner = $1 AND {chosen}"
    ))
    .bind(owner.0)
    .fetch_one(pool)
    .await?;
    Ok(Listed { rows, total })
}
