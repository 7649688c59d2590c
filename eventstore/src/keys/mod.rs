//! Keys: one for each subject, wrapped by the master key; whoever destroys one erases a person.

mod master;
mod subject;
mod vault;

pub use master::MasterKey;
pub use subject::SubjectKey;
pub use vault::{Key, Vault};

/// Why a key could not be had. No text of these holds key material.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key store did not answer.
    #[error("the key store did not answer: {0}")]
    Unreachable(#[from] sqlx::Error),
    /// The master key file is missing, unreadable or not 32 bytes.
    #[error("the master key cannot be read from {path}: {reason}")]
    Master {
        /// The file.
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
}
