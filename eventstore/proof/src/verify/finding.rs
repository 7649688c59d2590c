//! What can be wrong with an export, in plain words.

use crate::entry::Id;
use std::fmt;

/// Something that is wrong, and the first position that it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The first event concerned; what concerns the export as a whole names its first event.
    pub position: u64,
    /// What is wrong.
    pub wrong: Wrong,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at event {}: {}", self.position, self.wrong)
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The checkpoint is not what the key signed.
    #[error("the checkpoint cannot be relied on: {0}")]
    Signature(String),
    /// The older checkpoint is not signed by the same key.
    #[error("the older checkpoint and this export do not belong together: {0}")]
    OlderSignature(String),
    /// `export.json` names another log than the checkpoint.
    #[error(
        "the export says that it comes from the log {says}, and the checkpoint is that of {signed}"
    )]
    Origin {
        /// The log that `export.json` names.
        says: String,
        /// The log that the checkpoint names.
        signed: String,
    },
    /// There are events that no signature covers.
    #[error("the checkpoint covers {size} events; those after them are not signed")]
    NotSigned {
        /// How many are covered.
        size: u64,
    },
    /// The whole record was asked for.
    #[error("the whole record of {size} events was asked for, and this one is not in the export")]
    Partial {
        /// How many events the record has.
        size: u64,
    },
    /// The tree has become smaller.
    #[error(
        "an older checkpoint covers {older} events, and this one only {now}: events were taken away, or an old state was restored"
    )]
    Shorter {
        /// Size of the older checkpoint.
        older: u64,
        /// Size of the export's checkpoint.
        now: u64,
    },
    /// The beginning of the record has changed since an older checkpoint.
    #[error(
        "the first {older} events are not those that were signed before: the record was rewritten"
    )]
    Rewritten {
        /// Size of the older checkpoint.
        older: u64,
    },
    /// A position is missing.
    #[error("this event is missing; the next one in the export is that at position {next}")]
    Missing {
        /// Position of the event that stands there instead.
        next: u64,
    },
    /// The export ends too early.
    #[error(
        "this event is missing; the export ends before it, and says that it goes to position {to}"
    )]
    EndsEarly {
        /// Position of the last event that the export claims.
        to: u64,
    },
    /// The export goes on after its end.
    #[error("the export says that it goes to position {to}, and holds this event as well")]
    EndsLate {
        /// Position of the last event that the export claims.
        to: u64,
    },
    /// A position comes twice, or too late.
    #[error("an event of this position comes again, or too late, after that at position {after}")]
    OutOfOrder {
        /// Position of the event before it.
        after: u64,
    },
    /// A stream has a gap.
    #[error("the stream {stream} goes on with event {found} where event {expected} should be")]
    StreamGap {
        /// Noun and stream.
        stream: String,
        /// Sequence that comes next.
        expected: u64,
        /// Sequence that stands there.
        found: u64,
    },
    /// A stream has two events with the same number.
    #[error("the stream {stream} has had an event {found} already: it forks here")]
    StreamFork {
        /// Noun and stream.
        stream: String,
        /// The sequence that comes again.
        found: u64,
    },
    /// An event id comes twice.
    #[error("the event id {id} was used before")]
    IdAgain {
        /// The id.
        id: Id,
    },
    /// The event is not the one that was signed.
    #[error("this event is not the one that was signed: it was changed, moved or put in")]
    Leaf,
    /// The events are not those that were signed, and the tiles do not say where.
    #[error(
        "the events do not add up to the signed root; the export holds no tiles that would say where it begins"
    )]
    Root,
    /// The tiles do not lead from the event to the signed root.
    #[error("nothing vouches for this event: {0}")]
    Tiles(String),
}
