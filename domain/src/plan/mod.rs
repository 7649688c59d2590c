//! A protection plan: a short personal list of things to do.

mod add_item;
mod catalogue;
mod events;

pub use add_item::AddPlanItem;
pub use catalogue::{Category, ItemCode, Urgency};
pub use events::PlanEvent;

use crate::ids::AlertId;
use chrono::{DateTime, Utc};
use cqrs_es::{Aggregate, event_sink::EventSink};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an item follows from (PLN-16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Because {
    /// She became a member (USR-3).
    Joined,
    /// She was told about a finding.
    Alert(AlertId),
}

/// One member's plan: how urgent each item on it is, and when it is due.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    items: BTreeMap<ItemCode, Held>,
}

/// What the plan remembers of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    urgency: Urgency,
    due_at: DateTime<Utc>,
}

/// What can be asked of a plan.
#[derive(Debug, Clone)]
pub enum PlanCommand {
    /// Put something on the list.
    AddItem(AddPlanItem),
}

/// A plan refuses nothing yet; moving items comes with its own refusals.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefusal {}

impl Aggregate for Plan {
    const TYPE: &'static str = "plan";
    type Command = PlanCommand;
    type Event = PlanEvent;
    type Error = PlanRefusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: PlanCommand,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), PlanRefusal> {
        let events = match command {
            PlanCommand::AddItem(ask) => add_item::decide(self, ask),
        };
        for event in events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: PlanEvent) {
        match event {
            PlanEvent::PlanItemAdded {
                code,
                urgency,
                due_at,
                ..
            } => {
                self.items.insert(code, Held { urgency, due_at });
            }
            PlanEvent::PlanItemUrgencyRaised {
                owner,
                item_id,
                urgency,
                due_at,
                ..
            } => {
                let raised = |code: &ItemCode| {
                    crate::ids::PlanItemId::of_code(owner, code.code()) == item_id
                };
                if let Some((_, held)) = self.items.iter_mut().find(|(code, _)| raised(code)) {
                    *held = Held { urgency, due_at };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{PlanItemId, UserId};
    use uuid::Uuid;

    fn raised(owner: u128, item_id: PlanItemId) -> PlanEvent {
        PlanEvent::PlanItemUrgencyRaised {
            owner: Uuid::from_u128(owner).into(),
            item_id,
            urgency: Urgency::First,
            due_at: DateTime::UNIX_EPOCH,
            because: Because::Joined,
            raised_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn an_item_that_is_not_on_the_list_cannot_be_raised() {
        let owner: UserId = Uuid::from_u128(1).into();
        let mut plan = Plan::default();
        plan.apply(raised(1, PlanItemId::of_code(owner, "REVIEW_ALERTS")));
        assert_eq!(plan, Plan::default());
    }

    #[test]
    fn raising_one_item_leaves_the_others_as_they_were() {
        let owner: UserId = Uuid::from_u128(1).into();
        let added = |code: ItemCode| PlanEvent::PlanItemAdded {
            owner,
            item_id: PlanItemId::of_code(owner, code.code()),
            code,
            urgency: Urgency::Third,
            due_at: DateTime::UNIX_EPOCH,
            because: Because::Joined,
            added_at: DateTime::UNIX_EPOCH,
        };
        let mut plan = Plan::default();
        plan.apply(added(ItemCode::CompleteAssessment));
        plan.apply(added(ItemCode::ReviewAlerts));
        plan.apply(raised(1, PlanItemId::of_code(owner, "REVIEW_ALERTS")));
        let urgency = |code| plan.items.get(&code).map(|held| held.urgency);
        assert_eq!(urgency(ItemCode::ReviewAlerts), Some(Urgency::First));
        assert_eq!(urgency(ItemCode::CompleteAssessment), Some(Urgency::Third));
    }
}
