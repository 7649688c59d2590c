//! What can have happened to one alert.

use super::{Alert, AlertKind, MatchFacts, Severity};
use crate::Personal;
use crate::ids::{AlertId, UserId};
use crate::shape::Shape;
use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts about one alert; the stream's id is the alert id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AlertEvent {
    /// She is told about a finding, once for each cause (ALR-1).
    AlertRaised {
        /// Who is told.
        owner: UserId,
        /// The alert.
        alert_id: AlertId,
        /// Which type (ALR-2).
        kind: AlertKind,
        /// How urgent (ALR-4): a sorting key, never a headline.
        severity: Severity,
        /// The words she was shown first (ALR-5).
        title: Personal<String>,
        /// What was seen, how sure Vara is, one next step (ALR-5).
        description: Personal<String>,
        /// The finding that the alert is about.
        about: MatchFacts,
        /// When.
        raised_at: DateTime<Utc>,
    },
}

impl AlertEvent {
    /// These facts as they are written today. Who raises a version here adds its step to [`crate::upcast`].
    pub const SHAPES: [Shape; 1] = [Shape::of(Alert::TYPE, "AlertRaised", 1)];

    const fn shape(&self) -> Shape {
        match self {
            Self::AlertRaised { .. } => Self::SHAPES[0],
        }
    }
}

impl DomainEvent for AlertEvent {
    fn event_type(&self) -> String {
        self.shape().event_type.to_owned()
    }

    fn event_version(&self) -> String {
        self.shape().version.to_string()
    }
}
