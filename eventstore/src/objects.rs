//! Sealed objects: pictures at rest, each under its owner's key, bound to its name.

use crate::keys::{Key, KeyError, Vault};
use domain::ids::{ImageId, UserId};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

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
    /// The folder cannot be read or written.
    #[error("the object store: {0}")]
    Storage(#[from] std::io::Error),
    /// There is no such object.
    #[error("there is no such object")]
    Missing,
    /// Its key is gone, or it does not open.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A folder of sealed objects. File names are ids; nothing in them says what or whose.
#[derive(Debug, Clone)]
pub struct Objects {
    folder: PathBuf,
    vault: Vault,
}

impl Objects {
    /// Opens, or makes, the folder.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: &Path, vault: Vault) -> Result<Self, ObjectFault> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        Ok(Self::at(folder, vault))
    }

    /// The folder as it is, for whoever stores nothing: it may be missing, and is not made.
    #[must_use]
    pub fn at(folder: &Path, vault: Vault) -> Self {
        Self {
            folder: folder.to_owned(),
            vault,
        }
    }

    /// Seals and stores; durable when this returns. A second put of the same name replaces the first.
    ///
    /// # Errors
    /// [`ObjectFault`]; then nothing is stored under the name.
    pub async fn put(
        &self,
        owner: UserId,
        image: ImageId,
        form: Form,
        bytes: &[u8],
    ) -> Result<(), ObjectFault> {
        let key = self.vault.key_to_seal(owner).await?;
        let sealed = key.seal(bytes, &place(owner, image, form))?;
        let path = self.path(image, form);
        let folder = path.parent().unwrap_or(&self.folder).to_owned();
        tokio::fs::create_dir_all(&folder).await?;
        let fresh = path.with_extension(format!("{}.new", crate::edge::fresh_id().simple()));
        if let Err(fault) = write(&fresh, &path, &sealed).await {
            drop(tokio::fs::remove_file(&fresh).await);
            return Err(fault.into());
        }
        // The names must survive a power cut as well: of the form, of the picture's folder, of the folder above.
        for folder in folder.ancestors().take(3) {
            tokio::fs::File::open(folder).await?.sync_all().await?;
        }
        Ok(())
    }

    /// Reads and opens.
    ///
    /// # Errors
    /// [`ObjectFault::Missing`] where there is none, or where its owner was erased.
    pub async fn get(
        &self,
        owner: UserId,
        image: ImageId,
        form: Form,
    ) -> Result<Vec<u8>, ObjectFault> {
        let sealed = match tokio::fs::read(self.path(image, form)).await {
            Ok(sealed) => sealed,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {
                return Err(ObjectFault::Missing);
            }
            Err(fault) => return Err(fault.into()),
        };
        match self.vault.key(owner).await? {
            Key::Present(key) => Ok(key.open(&sealed, &place(owner, image, form))?),
            Key::Erased => Err(ObjectFault::Missing),
        }
    }

    /// Removes every form of a picture of somebody who was erased; how many there were.
    ///
    /// # Errors
    /// When the folder cannot be changed.
    pub async fn erase(&self, image: ImageId) -> Result<u64, ObjectFault> {
        let mut gone = 0;
        for form in Form::ALL {
            match tokio::fs::remove_file(self.path(image, form)).await {
                Ok(()) => gone += 1,
                Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        self.discard(image).await;
        Ok(gone)
    }

    /// Removes every form of a picture that was not taken in after all; what is not there is fine.
    pub async fn discard(&self, image: ImageId) {
        for form in Form::ALL {
            drop(tokio::fs::remove_file(self.path(image, form)).await);
        }
        if let Some(folder) = self.path(image, Form::Original).parent() {
            drop(tokio::fs::remove_dir(folder).await);
        }
    }

    fn path(&self, image: ImageId, form: Form) -> PathBuf {
        let id = image.0.simple().to_string();
        // The tail of a time-ordered id is random: it spreads the folders evenly.
        self.folder.join(&id[30..]).join(&id).join(form.name())
    }
}

/// Writes beside the name and takes the name when all of it is on disk.
async fn write(fresh: &Path, path: &Path, sealed: &[u8]) -> std::io::Result<()> {
    let mut file = tokio::fs::File::create(fresh).await?;
    file.write_all(sealed).await?;
    file.sync_all().await?;
    tokio::fs::rename(fresh, path).await
}

fn place(owner: UserId, image: ImageId, form: Form) -> String {
    format!("object/{owner}/{image}/{}", form.name())
}
