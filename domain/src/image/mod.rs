//! A member's library: every picture she gave us. One stream for each member, because "the same picture
//! twice" (IMG-2) and "fifty at most" (LIM-5) are questions about all of them at once.

mod archive;
mod embed;
mod events;
mod face;
mod fingerprint;
mod purge;
mod restore;
mod upload;

pub use archive::ArchiveImage;
pub use embed::EmbedImage;
pub use events::{Comparison, ImageEvent, NearCopy};
pub use face::{FaceSeen, her_face};
pub use fingerprint::{Fingerprint, NotAFingerprint, Vector};
pub use purge::{KEPT_DAYS, PurgeImage, purge_at};
pub use restore::RestoreImage;
pub use upload::{Embedding, UploadImage};

use crate::ids::ImageId;
use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many ACTIVE pictures one member may have (LIM-5).
pub const ACTIVE_IMAGES_MAX: usize = 50;

/// The pictures of one member, by id: ACTIVE with their SHA-256, and ARCHIVED. What was purged is not known any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Library {
    active: BTreeMap<ImageId, Option<String>>,
    archived: BTreeMap<ImageId, Archived>,
    /// Pictures and the models that made a vector of them.
    embedded: BTreeSet<(ImageId, String)>,
}

/// A picture that she put away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Archived {
    sha256: Option<String>,
    since: DateTime<Utc>,
}

impl Library {
    /// Ids of the ACTIVE pictures, oldest id first.
    pub fn active(&self) -> impl Iterator<Item = ImageId> + '_ {
        self.active.keys().copied()
    }

    /// Whether this picture is hers and ACTIVE.
    #[must_use]
    pub fn holds(&self, image: ImageId) -> bool {
        self.active.contains_key(&image)
    }

    /// Whether this model made a vector of the picture.
    #[must_use]
    pub fn has_vector(&self, image: ImageId, model: &str) -> bool {
        self.embedded.contains(&(image, model.to_owned()))
    }

    /// Refuses what would make a second ACTIVE picture of the same bytes (IMG-2), or one too many (LIM-5).
    fn has_room_for(&self, sha256: Option<&str>) -> Result<(), ImageRefusal> {
        if let Some(image_id) = sha256.and_then(|sha256| self.with_hash(sha256)) {
            return Err(ImageRefusal::AlreadyProtected { image_id });
        }
        if self.active.len() >= ACTIVE_IMAGES_MAX {
            return Err(ImageRefusal::LibraryFull {
                max: ACTIVE_IMAGES_MAX,
            });
        }
        Ok(())
    }

    fn with_hash(&self, sha256: &str) -> Option<ImageId> {
        self.active
            .iter()
            .find(|(_, held)| held.as_deref() == Some(sha256))
            .map(|(id, _)| *id)
    }
}

/// What can be asked of a library.
#[derive(Debug, Clone)]
pub enum ImageCommand {
    /// Take in one picture.
    Upload(Box<UploadImage>),
    /// Keep the vector of one that is there.
    Embed(Box<EmbedImage>),
    /// Put one picture away.
    Archive(ArchiveImage),
    /// Take one picture back.
    Restore(RestoreImage),
    /// Let one picture go for good.
    Purge(PurgeImage),
}

/// Why something was not done with a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageRefusal {
    /// The very same bytes are there already (IMG-2).
    #[error("this picture is already in your library")]
    AlreadyProtected {
        /// The picture that is there.
        image_id: ImageId,
    },
    /// The library is full (LIM-5).
    #[error("your library holds {max} pictures; remove one to add another")]
    LibraryFull {
        /// How many it may hold.
        max: usize,
    },
    /// No picture of this library, or one that is gone for good.
    #[error("there is no such picture")]
    Unknown,
    /// The picture is ACTIVE, so there is nothing to take back or to let go.
    #[error("this picture is not put away")]
    NotArchived,
    /// Seven days have not passed since it was put away (IMG-6).
    #[error("this picture is still kept, so that it can be taken back")]
    NotDue,
}

impl Aggregate for Library {
    const TYPE: &'static str = "image";
    type Command = ImageCommand;
    type Event = ImageEvent;
    type Error = ImageRefusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: ImageCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), ImageRefusal> {
        let events = match command {
            ImageCommand::Upload(ask) => upload::decide(self, *ask)?,
            ImageCommand::Archive(ask) => archive::decide(self, ask)?,
            ImageCommand::Restore(ask) => restore::decide(self, ask)?,
            ImageCommand::Purge(ask) => purge::decide(self, ask)?,
            ImageCommand::Embed(ask) => embed::decide(self, *ask)?,
        };
        for event in events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ImageEvent) {
        match event {
            ImageEvent::ImageUploaded {
                image_id, sha256, ..
            } => {
                self.active.insert(image_id, sha256.into_known());
            }
            ImageEvent::ImageEmbedded {
                image_id, model, ..
            } => {
                if self.active.contains_key(&image_id) {
                    self.embedded.insert((image_id, model));
                }
            }
            ImageEvent::ImageArchived {
                image_id,
                archived_at: since,
                ..
            } => {
                if let Some(sha256) = self.active.remove(&image_id) {
                    self.archived.insert(image_id, Archived { sha256, since });
                }
            }
            ImageEvent::ImageRestored { image_id, .. } => {
                if let Some(archived) = self.archived.remove(&image_id) {
                    self.active.insert(image_id, archived.sha256);
                }
            }
            ImageEvent::ImagePurged { image_id, .. } => {
                self.active.remove(&image_id);
                self.archived.remove(&image_id);
                self.embedded.retain(|(embedded, _)| *embedded != image_id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Personal;
    use chrono::DateTime;
    use uuid::Uuid;

    fn id(n: u128) -> ImageId {
        Uuid::from_u128(n).into()
    }

    fn embedded(n: u128) -> ImageEvent {
        ImageEvent::ImageEmbedded {
            owner: Uuid::from_u128(1).into(),
            image_id: id(n),
            model: "clip-1".to_owned(),
            vector: Personal::Erased,
            embedded_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn an_empty_library_holds_nothing() {
        let library = Library::default();
        assert_eq!(library.active().count(), 0);
        assert!(!library.holds(id(7)));
        assert_eq!(library.with_hash(""), None);
    }

    #[test]
    fn a_vector_alone_is_no_picture() {
        // PIP-5: a vector belongs to a picture, it does not make one
        let mut library = Library::default();
        library.apply(embedded(7));
        assert_eq!(library, Library::default());
    }
}
