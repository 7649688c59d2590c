//! A match: one page on which one of her pictures was found.

mod classify;
mod events;
mod page;
mod record;

pub use classify::{CopyFinding, Discarded, Verdict, classify_copy};
pub use events::MatchEvent;
pub use page::{NotAPage, PageAddress};
pub use record::RecordMatch;

use crate::ids::ScanId;
use cqrs_es::{Aggregate, event_sink::EventSink};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of likeness was found (contract section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MatchType {
    /// The picture itself, similarity 0.95 or more.
    Exact,
    /// A close copy, 0.85 or more.
    Similar,
    /// A changed copy.
    Modified,
}

/// How strong a finding is, weakest first (MAT-3).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Tier {
    /// Weak: shown only after a person looked at it.
    Low,
    /// Middling.
    Medium,
    /// Strong, to be confirmed by a face where one is known.
    MediumHigh,
    /// Strong by itself.
    High,
}

/// What follows from a finding (MAT-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Disposition {
    /// She is told.
    Alert,
    /// She is asked: it waits in the review queue.
    Review,
    /// It is recorded, nothing else.
    Record,
}

/// Where one match stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Match {
    /// Not found yet.
    #[default]
    Unknown,
    /// Found; both scans are known, so that a repeated unit of work counts the same again.
    Found {
        /// The scan that found it.
        first_seen_in: ScanId,
        /// The scan that saw it last.
        last_seen_in: ScanId,
    },
}

/// What can be asked of a match.
#[derive(Debug, Clone)]
pub enum MatchCommand {
    /// Note that a picture was found on a page.
    Record(Box<RecordMatch>),
}

/// A match refuses nothing yet; reviewing comes with its own refusals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchRefusal {}

impl Aggregate for Match {
    const TYPE: &'static str = "match";
    type Command = MatchCommand;
    type Event = MatchEvent;
    type Error = MatchRefusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: MatchCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), MatchRefusal> {
        let events = match command {
            MatchCommand::Record(ask) => record::decide(self, *ask),
        };
        for event in events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: MatchEvent) {
        match event {
            MatchEvent::MatchFound { scan_id, .. } => {
                *self = Self::Found {
                    first_seen_in: scan_id,
                    last_seen_in: scan_id,
                };
            }
            MatchEvent::MatchSeenAgain { scan_id, .. } => {
                if let Self::Found { last_seen_in, .. } = self {
                    *last_seen_in = scan_id;
                }
            }
        }
    }
}
