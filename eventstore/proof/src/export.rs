//! `vara.export.v1`: a folder with a stretch of the record and what it takes to verify it.
//!
//! | file | what |
//! |---|---|
//! | `events.jsonl` | one [`Entry`] a line, in order of position; each line ends with a line break |
//! | `checkpoint` | the signed checkpoint ([`crate::checkpoint`]) |
//! | `verifier.key` | the key that it was signed with, as text; better have it from somewhere else |
//! | `tile/<L>/<N>[.p/<W>]` | the tree's tiles at the checkpoint's size, as far as they are needed |
//! | `export.json` | `{"format":"vara.export.v1","from","to","count","origin"}`; written last |
//!
//! An export comes from a stranger. Every file has a limit, a fault names the line, and nothing is followed: the only
//! names that are opened are the five above.
//!
//! [`Entry`]: crate::Entry

mod reader;
mod writer;

pub use reader::{Entries, Export};
pub use writer::Writer;

use crate::checkpoint::CheckpointFault;
use crate::ledger::LedgerFault;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Longest line of `events.jsonl`, in bytes: 16 MiB, a hundred times what the largest event takes.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The events, one a line.
pub(crate) const EVENTS: &str = "events.jsonl";
/// The signed checkpoint.
pub(crate) const CHECKPOINT: &str = "checkpoint";
/// The key that it was signed with.
pub(crate) const VERIFIER_KEY: &str = "verifier.key";
/// What the export says of itself.
pub(crate) const MANIFEST: &str = "export.json";
/// The one format there is.
const FORMAT: &str = "vara.export.v1";

/// What an export says of itself; every word of it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `vara.export.v1`.
    pub format: String,
    /// Position of the first event.
    pub from: u64,
    /// Position of the last event; `from - 1` for an export without events.
    pub to: u64,
    /// How many events there are.
    pub count: u64,
    /// The log, as its checkpoints name it.
    pub origin: String,
}

/// Why an export can be neither written nor read. Says nothing about whether the record is sound.
#[derive(Debug, thiserror::Error)]
pub enum ExportFault {
    /// The system did not do what was asked, or the file is too large or of another kind.
    #[error("{path}: {cause}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A file is not there.
    #[error("the export has no file {0}")]
    Missing(&'static str),
    /// `export.json` cannot be read.
    #[error("export.json cannot be read: {0}")]
    Manifest(String),
    /// A line is too long.
    #[error("line {line} of events.jsonl is longer than 16 MiB")]
    LineTooLong {
        /// Which, from 1.
        line: u64,
    },
    /// A line is cut off.
    #[error("line {line} of events.jsonl is cut off: it has no line break at its end")]
    LineCutOff {
        /// Which, from 1.
        line: u64,
    },
    /// A line is no event.
    #[error("line {line} of events.jsonl is not an event: {reason}")]
    NotAnEvent {
        /// Which, from 1.
        line: u64,
        /// What the reader says; names fields and columns, never values.
        reason: String,
    },
    /// Checkpoint or key cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointFault),
    /// A tile cannot be read.
    #[error(transparent)]
    Tree(#[from] LedgerFault),
    /// A partial export was not made for the older checkpoint.
    #[error(
        "the export lacks what it takes to compare it with the checkpoint of {older} events ({reason}); \
         ask for one that is made for it"
    )]
    NotComparable {
        /// Size of the older checkpoint.
        older: u64,
        /// What is wrong with its tiles.
        reason: String,
    },
    /// The folder holds something already.
    #[error("{0} is not empty: an export needs a folder of its own")]
    NotEmpty(PathBuf),
    /// The writer got another event than the next one.
    #[error("the event at position {expected} comes next, not that at {found}")]
    OutOfOrder {
        /// Position that comes next.
        expected: u64,
        /// Position of the event that came.
        found: u64,
    },
    /// The checkpoint is older than the events.
    #[error("the checkpoint covers {size} events, and the export goes to position {to}")]
    NotCovered {
        /// The checkpoint's size.
        size: u64,
        /// Position of the last event.
        to: u64,
    },
}

impl ExportFault {
    /// Says where the system failed.
    pub(crate) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |cause| Self::Io { path, cause }
    }
}
