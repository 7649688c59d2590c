//! Keys: one for each subject, wrapped by the master key; whoever destroys one erases a person. And one for each picture,
//! made of its owner's; whoever destroys that one erases a picture.

mod erasures;
mod following;
mod master;
mod opened;
mod picture_file;
mod pictures;
mod subject;
mod vault;

pub use erasures::Erasure;
pub use master::MasterKey;
pub(crate) use pictures::Salts;
pub use subject::SubjectKey;
pub use vault::{Key, Vault};

use futures::future::BoxFuture;
use zeroize::Zeroizing;

/// Wraps subject keys under a master key (KEK). A file or a command is one way ([`MasterKey`]); a key management
/// service is another: it needs these four calls.
pub trait KeyWrap: std::fmt::Debug + Send + Sync + 'static {
    /// The ids of all master keys that can be unwrapped with, the one that wraps now first.
    fn ids(&self) -> Vec<String>;

    /// Keys for one purpose that every process of this installation makes alike: one of each master key, that of the one
    /// that wraps now first. A key management service would keep a secret of its own for this.
    fn derived(&self, purpose: &str) -> Vec<Zeroizing<[u8; 32]>>;

    /// Wraps 32 bytes, bound to a place; the id of the master key that was used, and the wrapped bytes.
    fn wrap<'a>(
        &'a self,
        plain: &'a [u8],
        place: &'a str,
    ) -> BoxFuture<'a, Result<(String, Vec<u8>), KeyError>>;

    /// Unwraps what the master key with this id wrapped at the same place.
    fn unwrap<'a>(
        &'a self,
        wrapped: &'a [u8],
        master: &'a str,
        place: &'a str,
    ) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, KeyError>>;
}

/// Why a key could not be had. No text of these holds key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key store did not answer.
    #[error("the key store did not answer: {0}")]
    Unreachable(#[from] sqlx::Error),
    /// The master key file is missing, unreadable or not 32 bytes.
    #[error("the master key cannot be read from {path}: {reason}")]
    Master {
        /// The file, or the command.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The keys in the database were wrapped by another master key than the one in the file.
    #[error("this database was written under another master key; restore that key file")]
    OtherMaster,
    /// A wrapped key does not open: another master key, or changed bytes.
    #[error("a wrapped key does not open under this master key")]
    Wrapped,
    /// Sealing or opening failed: another key, another place, or changed bytes.
    #[error("a sealed value does not open: other key, other place, or changed bytes")]
    Sealed,
    /// No key was ever made for this subject; distinct from an erased one, so that a lost key store is noticed.
    #[error("there is no key for subject {0}")]
    Missing(domain::ids::UserId),
    /// The subject was erased; nothing new can be sealed for her.
    #[error("subject {0} was erased")]
    Erased(domain::ids::UserId),
    /// No key was ever made for this picture; distinct from a destroyed one.
    #[error("there is no key for picture {0}")]
    PictureMissing(domain::ids::ImageId),
    /// The picture was purged; nothing new can be sealed for it (IMG-6).
    #[error("picture {0} was purged")]
    PictureErased(domain::ids::ImageId),
}
