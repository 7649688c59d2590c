//! The port through which the other rooms have a picture taken in.
//!
//! It stands here because both the API (her uploads) and the workers (what they find) need it and
//! neither may know the other. How it is done — in a process apart — is the program's business.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Taken, Unfit};

/// Takes in one stranger's file and gives what is kept of it.
#[async_trait]
pub trait TakeIn: std::fmt::Debug + Send + Sync {
    /// Decodes `original` and derives the copies, away from the caller's threads. The caller keeps its
    /// share of the bytes. Dropping the future gives up, whatever was under way.
    ///
    /// # Errors
    /// [`NotTaken`]; then nothing of the file is left anywhere.
    async fn take_in(&self, original: Arc<Vec<u8>>) -> Result<Taken, NotTaken>;
}

/// Why a file was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It is not fit to be taken.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Whoever decoded it ended, took too long or too much memory, or answered nonsense. That is the
    /// file's doing until proved otherwise, so it counts as one that cannot be read.
    #[error("The picture could not be read.")]
    Broke,
    /// Too many wait already; asking again in a moment may do.
    #[error("Too many pictures are being taken in.")]
    Busy,
    /// Nobody can decode right now: a fault of ours, told in the log.
    #[error("Pictures cannot be taken in.")]
    Unavailable,
}
