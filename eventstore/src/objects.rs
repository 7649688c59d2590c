//! Sealed objects: pictures at rest, each under its owner's key, bound to its name, in a folder or a bucket.

mod chunks;
mod place;
mod reading;
mod sweeping;
mod writing;

pub use place::{Bucket, Place};
pub use reading::Reading;
pub use sweeping::{ORPHAN_HOURS, SweepFault, Swept};

use crate::keys::{Key, KeyError, Vault};
use chunks::Chunks;
use domain::ids::{ImageId, UserId};
use object_store::path::Path as Name;
use object_store::{ObjectStore, ObjectStoreExt};
use place::Opened;
use std::path::Path;
use tokio::io::AsyncRead;

/// Which form of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The bytes as she gave them: for evidence, never served.
    Original,
    /// What engines are sent: upright, without metadata (PIP-2).
    Working,
    /// What she sees large.
    Display,
    /// What she sees small.
    Thumbnail,
}

impl Form {
    /// Every form, in the order in which they are stored.
    pub const ALL: [Self; 4] = [
        Self::Original,
        Self::Working,
        Self::Display,
        Self::Thumbnail,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Working => "working",
            Self::Display => "display",
            Self::Thumbnail => "thumbnail",
        }
    }
}

/// Why an object could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectFault {
    /// The folder or bucket does not do what it is asked.
    #[error("the object store: {0}")]
    Storage(#[source] Box<object_store::Error>),
    /// A picture could not be read from where it came from, or its folder not be made.
    #[error("the object store: {0}")]
    Source(#[from] std::io::Error),
    /// There is no such object.
    #[error("there is no such object")]
    Missing,
    /// Something was deleted, and is still there.
    #[error("an object was deleted and is still there")]
    StillThere,
    /// Its key is gone, or it does not open.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl ObjectFault {
    /// Whether the store of pictures or of keys is away, which says nothing of the picture that was asked for.
    #[must_use]
    pub fn is_an_outage(&self) -> bool {
        match self {
            Self::Storage(_) | Self::Source(_) => true,
            Self::Key(fault) => matches!(fault, KeyError::Unreachable(_)),
            Self::Missing | Self::StillThere => false,
        }
    }
}

impl From<object_store::Error> for ObjectFault {
    fn from(fault: object_store::Error) -> Self {
        if matches!(fault, object_store::Error::NotFound { .. }) {
            return Self::Missing;
        }
        Self::Storage(Box::new(fault))
    }
}

/// Sealed objects at one place. Their names are ids; nothing in them says what or whose.
#[derive(Debug, Clone)]
pub struct Objects {
    place: Opened,
    vault: Vault,
}

impl Objects {
    /// Objects in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path, vault: Vault) -> Result<Self, ObjectFault> {
        let objects = Self::at(Place::Folder(folder.to_owned()), vault)?;
        objects.place.make()?;
        Ok(objects)
    }

    /// Objects at a place as it is: a folder may be missing, and is not made; a bucket is asked when it is needed.
    ///
    /// # Errors
    /// When a bucket's settings make no sense.
    pub fn at(place: Place, vault: Vault) -> Result<Self, ObjectFault> {
        let place = Opened::at(place)?;
        Ok(Self { place, vault })
    }

    /// Seals and stores; durable when this returns. A second put of the same name replaces the first.
    ///
    /// # Errors
    /// [`ObjectFault`]; then what was under the name is still there.
    pub async fn put(
        &self,
        owner: UserId,
        image: ImageId,
        form: Form,
        bytes: &[u8],
    ) -> Result<(), ObjectFault> {
        let mut bytes = bytes;
        self.put_from(owner, image, form, &mut bytes).await
    }

    /// The same from a source that is read piece by piece.
    ///
    /// # Errors
    /// As [`Objects::put`].
    pub async fn put_from(
        &self,
        owner: UserId,
        image: ImageId,
        form: Form,
        source: &mut (dyn AsyncRead + Unpin + Send),
    ) -> Result<(), ObjectFault> {
        let key = self.vault.key_to_seal(owner).await?;
        let chunks = Chunks::fresh(&key, &place_of(owner, image, form))?;
        let store = match self.place.store() {
            Err(ObjectFault::Missing) => {
                self.place.make()?;
                self.place.store()?
            }
            store => store?,
        };
        writing::write(store.as_ref(), &name(image, form), chunks, source).await
    }

    /// Reads and opens all of an object.
    ///
    /// # Errors
    /// [`ObjectFault::Missing`] where there is none, or where its owner was erased.
    pub async fn get(
        &self,
        owner: UserId,
        image: ImageId,
        form: Form,
    ) -> Result<Vec<u8>, ObjectFault> {
        self.read(owner, image, form).await?.whole().await
    }

    /// The same where an object that is not there, or not any more, is an answer: nothing.
    ///
    /// # Errors
    /// As [`Objects::get`], but never [`ObjectFault::Missing`].
    pub async fn find(
        &self,
        owner: UserId,
        image: ImageId,
        form: Form,
    ) -> Result<Option<Vec<u8>>, ObjectFault> {
        match self.get(owner, image, form).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ObjectFault::Missing) => Ok(None),
            Err(
                fault @ (ObjectFault::Storage(_)
                | ObjectFault::Source(_)
                | ObjectFault::StillThere
                | ObjectFault::Key(_)),
            ) => Err(fault),
        }
    }

    /// Reads and opens an object piece by piece.
    ///
    /// # Errors
    /// As [`Objects::get`]; pieces tell faults of their own.
    pub async fn read(
        &self,
        owner: UserId,
        image: ImageId,
        form: Form,
    ) -> Result<Reading, ObjectFault> {
        let found = self.place.store()?.get(&name(image, form)).await?;
        match self.vault.key(owner).await? {
            Key::Present(key) => Reading::of(found, &key, &place_of(owner, image, form)).await,
            Key::Erased => Err(ObjectFault::Missing),
        }
    }

    /// Removes every form of a picture that was purged, or of somebody who was erased; how many there were.
    ///
    /// # Errors
    /// When the store does not do it; what is gone is gone.
    pub async fn erase(&self, image: ImageId) -> Result<u64, ObjectFault> {
        let mut gone = 0;
        for form in Form::ALL {
            gone += u64::from(self.remove(&name(image, form)).await?);
        }
        Ok(gone)
    }

    /// Removes every form of a picture that was not taken in after all; what is not there is fine.
    pub async fn discard(&self, image: ImageId) {
        for form in Form::ALL {
            if let Err(fault) = self.remove(&name(image, form)).await {
                tracing::warn!(%fault, "bytes without a record stay until they are swept");
            }
        }
    }

    /// Whether there was something under a name, which is gone now: a bucket says nothing of what it deletes.
    async fn remove(&self, name: &Name) -> Result<bool, ObjectFault> {
        let store = match self.place.store() {
            Err(ObjectFault::Missing) => return Ok(false),
            store => store?,
        };
        if !is_there(store.as_ref(), name).await? {
            return Ok(false);
        }
        match store.delete(name).await.map_err(ObjectFault::from) {
            Ok(()) | Err(ObjectFault::Missing) => {}
            Err(fault) => return Err(fault),
        }
        match is_there(store.as_ref(), name).await? {
            true => Err(ObjectFault::StillThere),
            false => Ok(true),
        }
    }
}

async fn is_there(store: &dyn ObjectStore, name: &Name) -> Result<bool, ObjectFault> {
    match store.head(name).await.map_err(ObjectFault::from) {
        Ok(_) => Ok(true),
        Err(ObjectFault::Missing) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// The name of an object. The tail of a time-ordered id is random: it spreads the folders evenly.
fn name(image: ImageId, form: Form) -> Name {
    let id = image.0.simple().to_string();
    Name::from_iter([&id[30..], id.as_str(), form.name()])
}

/// What an object is bound to.
fn place_of(owner: UserId, image: ImageId, form: Form) -> String {
    format!("object/{owner}/{image}/{}", form.name())
}
