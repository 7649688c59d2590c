//! Why reading the log stops.

/// Why the log could not be read on. Never swallowed: a replay that cannot go on says so.
#[derive(Debug, thiserror::Error)]
pub enum ReadFault {
    /// The database did not answer.
    #[error("the log is not reachable: {0}")]
    Unreachable(#[from] sqlx::Error),
    /// An event cannot be read; nothing after it is read either.
    #[error("the event at position {position} cannot be read: {what}")]
    Unreadable {
        /// Where it stands.
        position: i64,
        /// What is wrong; names fields, never values.
        what: String,
    },
    /// A newer program wrote it. Neither skipped nor parked: that program is waited for.
    #[error("the event at position {position} is not for this program: {what}")]
    Newer {
        /// Where it stands.
        position: i64,
        /// Which fact, in which version.
        what: String,
    },
    /// The log does not hold what a reader has seen: it lost its newest events, and gave their positions again.
    #[error(
        "the log does not hold the event that {reader} saw at position {position}: it was restored or promoted \
         without its newest events; docs/operating.md, \"When the log lost its tail\", has the way on"
    )]
    Diverged {
        /// The reader.
        reader: String,
        /// Where it stands.
        position: i64,
    },
    /// A position is missing, which the append does not allow to happen.
    #[error("the log has no event at position {position}")]
    Gap {
        /// The missing position.
        position: i64,
    },
}

impl ReadFault {
    /// What stops a reader of a log that does not hold the event it saw at a position.
    #[must_use]
    pub fn diverged(reader: &str, position: i64) -> Self {
        Self::Diverged {
            reader: reader.to_owned(),
            position,
        }
    }
}
