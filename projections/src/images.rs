//! Her library: the pictures she gave us, how often they were searched for, and which look alike.

use crate::likeness::{Embedding, HashRow, Pdq, VectorRow};
use crate::page::{Listed, Page};
use crate::projector::{ERASURE, Facts, ReadModel};
use crate::source::Source;
use crate::table::{AnyTable, Place, Row, Table};
use chrono::{DateTime, Utc};
use domain::Event;
use domain::ids::{ImageId, UserId};
use domain::image::ImageEvent;
use domain::matches::MatchEvent;
use domain::scan::{ScanEvent, UnitOutcome};
use domain::user::UserEvent;
use eventstore::Opened;
use pgvector::Bit;
use serde::Serialize;
use uuid::Uuid;

/// One picture. Hash and vector stay inside (IMG-9).
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
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

impl ImageRow {
    /// A picture as it was taken in; none of any other fact.
    ///
    /// # Errors
    /// When a number does not fit into its column.
    pub fn taken_in(event: &ImageEvent) -> Result<Option<Self>, sqlx::Error> {
        let ImageEvent::ImageUploaded {
            owner,
            image_id,
            content_type,
            size_bytes,
            width,
            height,
            near_copy_of,
            uploaded_at,
            ..
        } = event
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            image_id: image_id.0,
            owner: owner.0,
            content_type: content_type.clone(),
            size_bytes: whole(*size_bytes)?,
            width: whole(*width)?,
            height: whole(*height)?,
            near_copy_of: near_copy_of.as_ref().map(|near| near.image_id.0),
            uploaded_at: *uploaded_at,
            last_scanned: None,
            scan_count: 0,
            match_count: 0,
        }))
    }
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

impl Row for ImageRow {
    const TABLE: &'static str = "read_images";
    const KEY: &'static [&'static str] = &["image_id"];
    type Key = Uuid;

    fn key(&self) -> Uuid {
        self.image_id
    }

    fn owner(&self) -> Uuid {
        self.owner
    }
}

/// The read model.
#[derive(Debug, Default)]
pub struct Images {
    images: Table<ImageRow>,
    hashes: Table<HashRow>,
    vectors: Table<VectorRow>,
}

impl ReadModel for Images {
    const NAME: &'static str = "images";
    const SHAPE: i32 = 1;
    const READS: &'static [Facts] = &[
        ("image", &[]),
        ("scan", &["ImageScanned"]),
        ("match", &["MatchFound"]),
        ERASURE,
    ];

    fn tables(&mut self) -> Vec<&mut dyn AnyTable> {
        vec![&mut self.images, &mut self.hashes, &mut self.vectors]
    }

    async fn apply(&mut self, place: &mut Place<'_>, event: &Opened) -> Result<(), sqlx::Error> {
        match &event.event {
            Event::Image(image) => self.take_in(image),
            Event::Scan(ScanEvent::ImageScanned {
                image_id,
                outcome,
                scanned_at,
                ..
            }) => {
                if let Some(image) = self.images.get(place, &image_id.0).await? {
                    image.scan_count += 1;
                    match outcome {
                        UnitOutcome::Done | UnitOutcome::Partial => {
                            image.last_scanned = Some(*scanned_at);
                        }
                        UnitOutcome::Skipped | UnitOutcome::Failed(_) => {}
                    }
                }
                Ok(())
            }
            Event::Match(MatchEvent::MatchFound { image_id, .. }) => {
                if let Some(image) = self.images.get(place, &image_id.0).await? {
                    image.match_count += 1;
                }
                Ok(())
            }
            Event::User(UserEvent::SubjectErased { user_id, .. }) => {
                self.images.remove_all_of(place, user_id.0).await?;
                self.hashes.remove_all_of(place, user_id.0).await?;
                self.vectors.remove_all_of(place, user_id.0).await
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
            | Event::Plan(_)
            | Event::HashCase(_) => Ok(()),
        }
    }
}

impl Images {
    fn take_in(&mut self, event: &ImageEvent) -> Result<(), sqlx::Error> {
        if let Some(row) = ImageRow::taken_in(event)? {
            self.images.insert(row);
        }
        match event {
            ImageEvent::ImageUploaded {
                owner,
                image_id,
                fingerprint,
                ..
            } => {
                if let Some(known) = fingerprint.as_ref().and_then(|f| f.known()) {
                    self.hashes.insert(HashRow {
                        image_id: image_id.0,
                        owner: owner.0,
                        pdq: Pdq(bits(&known.pdq)?),
                        quality: i16::from(known.quality),
                    });
                }
            }
            ImageEvent::ImageEmbedded {
                owner,
                image_id,
                model,
                vector,
                ..
            } => {
                if let Some(known) = vector.known() {
                    let numbers = known.numbers();
                    let numbers = numbers.map_err(|fault| sqlx::Error::Decode(fault.into()))?;
                    self.vectors.insert(VectorRow {
                        owner: owner.0,
                        model: model.clone(),
                        image_id: image_id.0,
                        vector: Embedding(pgvector::Vector::from(numbers)),
                    });
                }
            }
        }
        Ok(())
    }
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
