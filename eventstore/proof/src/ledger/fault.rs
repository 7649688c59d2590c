//! What can go wrong with the tree's folder.

use std::path::{Path, PathBuf};

/// Why the tree cannot be read or grow.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFault {
    /// The system did not do what was asked.
    #[error("{path}: {cause}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Another process has the folder open for writing.
    #[error("the tree is open in another process")]
    Busy,
    /// A tile is not there.
    #[error("{0} is missing")]
    Missing(String),
    /// A tile has another length than its name says.
    #[error("{0} is damaged")]
    Damaged(String),
    /// The tree has no such size or leaf.
    #[error("{asked} is beyond the tree, which has {size} leaves")]
    Beyond {
        /// What was asked for.
        asked: u64,
        /// How many leaves there are.
        size: u64,
    },
    /// Another leaf stands there already; a tree never changes.
    #[error("the tree holds another leaf at index {index}")]
    Differs {
        /// Where.
        index: u64,
    },
    /// The tree has as many leaves as it may have.
    #[error("the tree is full")]
    Full,
    /// An append failed half-way.
    #[error("an append failed half-way: open the tree again")]
    Unsettled,
    /// No static file of the tree has this path.
    #[error("the tree has no such file")]
    NoSuchPath,
}

impl LedgerFault {
    /// Says where the system failed.
    pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |cause| Self::Io { path, cause }
    }
}
