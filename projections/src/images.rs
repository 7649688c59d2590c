//! Her library: the pictures she gave us, how often they were searched for, and which look alike.

mod questions;

pub use questions::{Filter, find, list, whose};

use crate::likeness::{Embedding, HashRow, Pdq, VectorRow};
use crate::projector::{ERASURE, Facts, ReadModel};
use crate::table::{AnyTable, Place, Row, Table};
use chrono::{DateTime, Utc};
use domain::Event;
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
    /// When she put it away; none while it is ACTIVE (IMG-5).
    pub archived_at: Option<DateTime<Utc>>,
    /// When she last took it back.
    pub restored_at: Option<DateTime<Utc>>,
    /// Models that made a vector of it. For this table's own use: the vectors go with the picture.
    pub embedded_by: Vec<String>,
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
            archived_at: None,
            restored_at: None,
            embedded_by: vec![],
        }))
    }

    /// When she last put it away or took it back.
    pub fn moved_at(&self) -> Option<DateTime<Utc>> {
        self.archived_at.or(self.restored_at)
    }
}

impl Row for ImageRow {
    const TABLE: &'static str = "read_images";
    const KEY: &'static [&'static str] = &["image_id"];
    const LISTS: &'static [&'static str] = &["embedded_by"];
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
    const SHAPE: i32 = 3;
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
            Event::Image(image) => self.change(place, image).await,
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
    async fn change(
        &mut self,
        place: &mut Place<'_>,
        event: &ImageEvent,
    ) -> Result<(), sqlx::Error> {
        match event {
            ImageEvent::ImageUploaded {
                owner,
                image_id,
                fingerprint,
                ..
            } => {
                if let Some(row) = ImageRow::taken_in(event)? {
                    self.images.insert(row);
                }
                if let Some(known) = fingerprint.as_ref().and_then(|f| f.known()) {
                    self.hashes.insert(HashRow {
                        image_id: image_id.0,
                        owner: owner.0,
                        pdq: Pdq(bits(&known.pdq)?),
                        quality: i16::from(known.quality),
                    });
                }
                Ok(())
            }
            ImageEvent::ImageEmbedded {
                image_id, model, ..
            } => {
                // Not for a picture of somebody who was erased while its vector was made.
                if let Some(image) = self.images.get(place, &image_id.0).await?
                    && let Some(row) = vector_of(event)?
                {
                    image.embedded_by.push(model.clone());
                    self.vectors.insert(row);
                }
                Ok(())
            }
            ImageEvent::ImageArchived {
                image_id,
                archived_at,
                ..
            } => {
                if let Some(image) = self.images.get(place, &image_id.0).await? {
                    image.archived_at = Some(*archived_at);
                }
                Ok(())
            }
            ImageEvent::ImageRestored {
                image_id,
                restored_at,
                ..
            } => {
                if let Some(image) = self.images.get(place, &image_id.0).await? {
                    (image.archived_at, image.restored_at) = (None, Some(*restored_at));
                }
                Ok(())
            }
            ImageEvent::ImagePurged {
                owner, image_id, ..
            } => self.let_go(place, owner.0, image_id.0).await,
        }
    }

    /// Row, hash and vectors go (IMG-6).
    async fn let_go(
        &mut self,
        place: &mut Place<'_>,
        owner: Uuid,
        image: Uuid,
    ) -> Result<(), sqlx::Error> {
        let row = self.images.get(place, &image).await?;
        let models = row.map(|row| std::mem::take(&mut row.embedded_by));
        for model in models.unwrap_or_default() {
            self.vectors.remove(place, &(owner, model, image)).await?;
        }
        self.hashes.remove(place, &image).await?;
        self.images.remove(place, &image).await
    }
}

/// The vector that a fact tells of, where it can be read.
fn vector_of(event: &ImageEvent) -> Result<Option<VectorRow>, sqlx::Error> {
    let ImageEvent::ImageEmbedded {
        owner,
        image_id,
        model,
        vector,
        ..
    } = event
    else {
        return Ok(None);
    };
    let Some(known) = vector.known() else {
        return Ok(None);
    };
    let numbers = known.numbers();
    let numbers = numbers.map_err(|fault| sqlx::Error::Decode(fault.into()))?;
    Ok(Some(VectorRow {
        owner: owner.0,
        model: model.clone(),
        image_id: image_id.0,
        vector: Embedding(pgvector::Vector::from(numbers)),
    }))
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
