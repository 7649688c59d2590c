//! What can have happened to one page on which a picture was found.

use super::{Disposition, Match, MatchType, Tier};
use crate::ids::{ImageId, MatchId, ScanId, UserId};
use crate::shape::Shape;
use crate::{Personal, Share, platform::Platform};
use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts about one match; the stream's id is the match id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum MatchEvent {
    /// One of her pictures was found on a page, for the first time (MAT-1, MAT-8).
    MatchFound {
        /// Whose picture.
        owner: UserId,
        /// The match.
        match_id: MatchId,
        /// Which picture.
        image_id: ImageId,
        /// In which scan.
        scan_id: ScanId,
        /// Canonical address of the page.
        page: Personal<String>,
        /// Address of the found picture itself, where the engine names it.
        picture: Option<Personal<String>>,
        /// Platform of the page's host (PLT-1).
        platform: Option<Platform>,
        /// The engine that found it.
        engine: String,
        /// How alike, by the engine's score.
        similarity: Share,
        /// What kind of copy (MAT-7).
        match_type: MatchType,
        /// How strong the finding is (MAT-3).
        tier: Tier,
        /// What follows from it (MAT-2).
        disposition: Disposition,
        /// Found by a stand-in of the engine, in a demonstration; never in real use (GEN-4).
        is_mock: bool,
        /// When.
        detected_at: DateTime<Utc>,
    },
    /// A later scan saw the same picture on the same page (MAT-10); no second alert follows.
    MatchSeenAgain {
        /// The match.
        match_id: MatchId,
        /// In which scan.
        scan_id: ScanId,
        /// How alike now.
        similarity: Share,
        /// When.
        seen_at: DateTime<Utc>,
    },
}

impl MatchEvent {
    /// These facts as they are written today. Who raises a version here adds its step to [`crate::upcast`].
    pub const SHAPES: [Shape; 2] = [
        Shape::of(Match::TYPE, "MatchFound", 1),
        Shape::of(Match::TYPE, "MatchSeenAgain", 1),
    ];

    const fn shape(&self) -> Shape {
        match self {
            Self::MatchFound { .. } => Self::SHAPES[0],
            Self::MatchSeenAgain { .. } => Self::SHAPES[1],
        }
    }
}

impl DomainEvent for MatchEvent {
    fn event_type(&self) -> String {
        self.shape().event_type.to_owned()
    }

    fn event_version(&self) -> String {
        self.shape().version.to_string()
    }
}
