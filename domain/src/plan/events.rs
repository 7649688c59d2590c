//! What can have happened to a member's protection plan.

use super::{Because, ItemCode, Urgency};
use crate::ids::{PlanItemId, UserId};
use chrono::{DateTime, Utc};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

/// Facts about one plan; the stream's id is the owner's id, because a member has exactly one (PLN-13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlanEvent {
    /// Something was put on her list.
    PlanItemAdded {
        /// Whose plan.
        owner: UserId,
        /// The item.
        item_id: PlanItemId,
        /// What it is about; its words stand in the catalogue.
        code: ItemCode,
        /// How soon.
        urgency: Urgency,
        /// When it should be done (PLN-9).
        due_at: DateTime<Utc>,
        /// What it follows from (PLN-16).
        because: Because,
        /// When.
        added_at: DateTime<Utc>,
    },
    /// A graver cause made an item more urgent.
    PlanItemUrgencyRaised {
        /// Whose plan.
        owner: UserId,
        /// The item.
        item_id: PlanItemId,
        /// How soon now.
        urgency: Urgency,
        /// When it should be done now.
        due_at: DateTime<Utc>,
        /// What it follows from.
        because: Because,
        /// When.
        raised_at: DateTime<Utc>,
    },
}

impl DomainEvent for PlanEvent {
    fn event_type(&self) -> String {
        match self {
            Self::PlanItemAdded { .. } => "PlanItemAdded",
            Self::PlanItemUrgencyRaised { .. } => "PlanItemUrgencyRaised",
        }
        .to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
