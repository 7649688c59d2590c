//! A member's scans of one kind. One stream for each member and kind, because "at most one is open"
//! (SCN-1) is a question about all of them at once.

mod begin;
mod complete;
mod events;
mod finish_image;
mod outcome;
mod record_answer;
mod start;

pub use begin::BeginScan;
pub use complete::CompleteScan;
pub use events::ScanEvent;
pub use finish_image::FinishImage;
pub use outcome::{FailureCode, ProviderFault, ScanKind, Tally, UnitOutcome, Warning};
pub use record_answer::{Answer, RecordAnswer};
pub use start::StartScan;

use crate::ids::{ImageId, ScanId, UserId, named};
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a member's scans of one kind stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScanSlot {
    /// None was ever started.
    #[default]
    Empty,
    /// One is PENDING or RUNNING.
    Open(OpenScan),
    /// The last one reached its final state.
    Closed {
        /// That scan.
        last: ScanId,
    },
}

/// A scan that is PENDING or RUNNING.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenScan {
    /// The scan.
    pub scan_id: ScanId,
    /// Whether a worker took it up.
    pub begun: bool,
    /// The pictures to search for.
    pub images: Vec<ImageId>,
    /// The pictures that are finished, and how.
    pub finished: BTreeMap<ImageId, UnitOutcome>,
}

impl OpenScan {
    /// The pictures that are still to be worked on, in order (SCN-8: a finished unit is not repeated).
    pub fn remaining(&self) -> impl Iterator<Item = ImageId> + '_ {
        self.images
            .iter()
            .copied()
            .filter(|image| !self.finished.contains_key(image))
    }
}

impl ScanSlot {
    /// The noun under which its facts stand in the log.
    pub const NOUN: &'static str = "scan";

    /// The id of the stream that holds this member's scans of this kind.
    #[must_use]
    pub fn id(owner: UserId, kind: ScanKind) -> uuid::Uuid {
        named("scan-slot", &[&owner.to_string(), kind.code()])
    }

    /// The open scan, if it is this one.
    #[must_use]
    pub fn open(&self, scan: ScanId) -> Option<&OpenScan> {
        match self {
            Self::Open(open) if open.scan_id == scan => Some(open),
            Self::Open(_) | Self::Empty | Self::Closed { .. } => None,
        }
    }
}

/// What can be asked of a slot.
#[derive(Debug, Clone)]
pub enum ScanCommand {
    /// Accept a new scan.
    Start(StartScan),
    /// A worker takes it up.
    Begin(BeginScan),
    /// An engine answered, or did not.
    RecordAnswer(RecordAnswer),
    /// The work on one picture is over.
    FinishImage(FinishImage),
    /// The whole scan is over.
    Complete(CompleteScan),
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanRefusal {
    /// One is open already (SCN-1).
    #[error("a scan is already running")]
    AlreadyRunning {
        /// The open scan.
        scan_id: ScanId,
    },
    /// A worker asked to complete a scan while pictures remain.
    #[error("pictures still to be finished: {remaining}")]
    NotFinished {
        /// How many.
        remaining: usize,
    },
}

impl Aggregate for ScanSlot {
    const TYPE: &'static str = Self::NOUN;
    type Command = ScanCommand;
    type Event = ScanEvent;
    type Error = ScanRefusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: ScanCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), ScanRefusal> {
        let events = match command {
            ScanCommand::Start(ask) => start::decide(self, ask)?,
            ScanCommand::Begin(ask) => begin::decide(self, &ask),
            ScanCommand::RecordAnswer(ask) => record_answer::decide(self, ask),
            ScanCommand::FinishImage(ask) => finish_image::decide(self, ask),
            ScanCommand::Complete(ask) => complete::decide(self, &ask)?,
        };
        for event in events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: ScanEvent) {
        match event {
            ScanEvent::ScanStarted {
                scan_id, images, ..
            } => {
                let finished = BTreeMap::new();
                *self = Self::Open(OpenScan {
                    scan_id,
                    begun: false,
                    images,
                    finished,
                });
            }
            ScanEvent::ScanBegun { .. } => {
                if let Self::Open(open) = self {
                    open.begun = true;
                }
            }
            ScanEvent::ProviderQueried { .. } | ScanEvent::ProviderFailed { .. } => {}
            ScanEvent::ImageScanned {
                image_id, outcome, ..
            } => {
                if let Self::Open(open) = self {
                    open.finished.insert(image_id, outcome);
                }
            }
            ScanEvent::ScanCompleted { scan_id, .. } | ScanEvent::ScanFailed { scan_id, .. } => {
                *self = Self::Closed { last: scan_id };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::finish_image::tests::finished;
    use super::start::tests::started;
    use super::*;
    use chrono::DateTime;
    use uuid::Uuid;

    fn after(events: Vec<ScanEvent>) -> ScanSlot {
        let mut slot = ScanSlot::default();
        events.into_iter().for_each(|event| slot.apply(event));
        slot
    }

    fn scan(n: u128) -> ScanId {
        Uuid::from_u128(n).into()
    }

    #[test]
    fn what_remains_keeps_the_order_of_the_trigger() {
        // SCN-8
        let pictures = |slot: &ScanSlot| -> Vec<ImageId> {
            slot.open(scan(10)).unwrap().remaining().collect()
        };
        let (one, two) = (Uuid::from_u128(1).into(), Uuid::from_u128(2).into());
        assert_eq!(pictures(&after(vec![started(10)])), [one, two]);
        let halfway = after(vec![started(10), finished(1, UnitOutcome::Done)]);
        assert_eq!(pictures(&halfway), [two]);
        let failed = UnitOutcome::Failed(FailureCode::ImageUnreadable);
        let over = after(vec![started(10), finished(1, failed), finished(2, failed)]);
        assert_eq!(pictures(&over), []);
    }

    #[test]
    fn no_other_scan_is_ever_mistaken_for_the_open_one() {
        let completed = ScanEvent::ScanCompleted {
            scan_id: scan(10),
            warnings: vec![],
            completed_at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(after(vec![]).open(scan(10)), None);
        assert_eq!(after(vec![started(10)]).open(scan(11)), None);
        let closed = after(vec![started(10), completed]);
        assert_eq!(closed, ScanSlot::Closed { last: scan(10) });
        assert_eq!(closed.open(scan(10)), None);
    }

    #[test]
    fn facts_without_an_open_scan_open_none() {
        let begun = ScanEvent::ScanBegun {
            scan_id: scan(10),
            begun_at: DateTime::UNIX_EPOCH,
        };
        let stray = vec![begun, finished(1, UnitOutcome::Done)];
        assert_eq!(after(stray), ScanSlot::Empty);
    }
}
