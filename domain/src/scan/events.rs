//! What can have happened in a member's scans of one kind.

use super::{FailureCode, ProviderFault, ScanKind, ScanSlot, Tally, UnitOutcome, Warning};
use crate::ids::{ImageId, ScanId, UserId};
use crate::shape::Shape;
use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts about the scans of one kind of one member; the stream's id is that of her slot for the kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl ScanEvent {
    /// These facts as they are written today. Who raises a version here adds its step to [`crate::upcast`].
    pub const SHAPES: [Shape; 7] = [
        Shape::of(ScanSlot::TYPE, "ScanStarted", 1),
        Shape::of(ScanSlot::TYPE, "ScanBegun", 1),
        Shape::of(ScanSlot::TYPE, "ProviderQueried", 1),
        Shape::of(ScanSlot::TYPE, "ProviderFailed", 1),
        Shape::of(ScanSlot::TYPE, "ImageScanned", 1),
        Shape::of(ScanSlot::TYPE, "ScanCompleted", 1),
        Shape::of(ScanSlot::TYPE, "ScanFailed", 1),
    ];

    const fn shape(&self) -> Shape {
        match self {
            Self::ScanStarted { .. } => Self::SHAPES[0],
            Self::ScanBegun { .. } => Self::SHAPES[1],
            Self::ProviderQueried { .. } => Self::SHAPES[2],
            Self::ProviderFailed { .. } => Self::SHAPES[3],
            Self::ImageScanned { .. } => Self::SHAPES[4],
            Self::ScanCompleted { .. } => Self::SHAPES[5],
            Self::ScanFailed { .. } => Self::SHAPES[6],
        }
    }
}

impl DomainEvent for ScanEvent {
    fn event_type(&self) -> String {
        self.shape().event_type.to_owned()
    }

    fn event_version(&self) -> String {
        self.shape().version.to_string()
    }
}
