//! What can have happened to a member's protection plan.

use super::{Because, ItemCode, Plan, Urgency};
use crate::ids::{PlanItemId, UserId};
use crate::shape::Shape;
use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, DomainEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Facts about one plan; the stream's id is the owner's id, because a member has exactly one (PLN-13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl PlanEvent {
    /// These facts as they are written today. Who raises a version here adds its step to [`crate::upcast`].
    pub const SHAPES: [Shape; 2] = [
        Shape::of(Plan::TYPE, "PlanItemAdded", 1),
        Shape::of(Plan::TYPE, "PlanItemUrgencyRaised", 1),
    ];

    const fn shape(&self) -> Shape {
        match self {
            Self::PlanItemAdded { .. } => Self::SHAPES[0],
            Self::PlanItemUrgencyRaised { .. } => Self::SHAPES[1],
        }
    }
}

impl DomainEvent for PlanEvent {
    fn event_type(&self) -> String {
        self.shape().event_type.to_owned()
    }

    fn event_version(&self) -> String {
        self.shape().version.to_string()
    }
}
