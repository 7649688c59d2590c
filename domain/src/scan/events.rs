//! What can have happened in a member's scans of one kind.

use super::{FailureCode, ProviderFault, ScanKind, Tally, UnitOutcome, Warning};
use crate::ids::{ImageId, ScanId, UserId};
use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

/// Facts about the scans of one kind of one member; the stream's id is that of her slot for the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScanEvent {
    /// A scan was accepted and will be worked on, whatever happens to the process (SCN-6).
    ScanStarted {
        /// Whose scan.
        owner: UserId,
        /// The scan.
        scan_id: ScanId,
        /// Which kind.
        kind: ScanKind,
        /// The one picture she asked for, if she named one.
        target: Option<ImageId>,
        /// The pictures to search for, as of the trigger (SCN-3).
        images: Vec<ImageId>,
        /// When.
        started_at: DateTime<Utc>,
    },
    /// A worker took it up: the scan is RUNNING.
    ScanBegun {
        /// The scan.
        scan_id: ScanId,
        /// When.
        begun_at: DateTime<Utc>,
    },
    /// An engine was asked about one picture and answered.
    ProviderQueried {
        /// The scan.
        scan_id: ScanId,
        /// The picture.
        image_id: ImageId,
        /// The engine.
        provider: String,
        /// How many results it gave.
        results: u32,
        /// When it was asked.
        asked_at: DateTime<Utc>,
        /// When it had answered.
        answered_at: DateTime<Utc>,
    },
    /// An engine could not be asked, or gave no usable answer: not searched, never "clear" (GEN-3).
    ProviderFailed {
        /// The scan.
        scan_id: ScanId,
        /// The picture.
        image_id: ImageId,
        /// The engine.
        provider: String,
        /// What was wrong (PRV-5).
        fault: ProviderFault,
        /// When it was asked.
        asked_at: DateTime<Utc>,
        /// When it was given up.
        failed_at: DateTime<Utc>,
    },
    /// The work on one picture is over (SCN-9).
    ImageScanned {
        /// The scan.
        scan_id: ScanId,
        /// The picture.
        image_id: ImageId,
        /// How it ended.
        outcome: UnitOutcome,
        /// What was counted.
        tally: Tally,
        /// What she must know about the coverage.
        warnings: Vec<Warning>,
        /// When.
        scanned_at: DateTime<Utc>,
    },
    /// Every picture was worked on, and not every one failed (SCN-9). Which were searched for, their outcomes say.
    ScanCompleted {
        /// The scan.
        scan_id: ScanId,
        /// What she must know about the whole scan.
        warnings: Vec<Warning>,
        /// When.
        completed_at: DateTime<Utc>,
    },
    /// Nothing could be searched.
    ScanFailed {
        /// The scan.
        scan_id: ScanId,
        /// Why, as a code of the contract.
        code: FailureCode,
        /// When.
        failed_at: DateTime<Utc>,
    },
}

impl DomainEvent for ScanEvent {
    fn event_type(&self) -> String {
        match self {
            Self::ScanStarted { .. } => "ScanStarted",
            Self::ScanBegun { .. } => "ScanBegun",
            Self::ProviderQueried { .. } => "ProviderQueried",
            Self::ProviderFailed { .. } => "ProviderFailed",
            Self::ImageScanned { .. } => "ImageScanned",
            Self::ScanCompleted { .. } => "ScanCompleted",
            Self::ScanFailed { .. } => "ScanFailed",
        }
        .to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
