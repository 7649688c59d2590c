//! A protection plan: a short personal list of things to do.

mod add_item;
mod catalogue;
mod events;

pub use add_item::AddPlanItem;
pub use catalogue::{Category, ItemCode, Urgency};
pub use events::PlanEvent;

use crate::ids::AlertId;
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an item follows from (PLN-16).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Because {
    /// She became a member (USR-3).
    Joined,
    /// She was told about a finding.
    Alert(AlertId),
}

/// One member's plan: how urgent each item on it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    items: BTreeMap<ItemCode, Urgency>,
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
            PlanEvent::PlanItemAdded { code, urgency, .. } => {
                self.items.insert(code, urgency);
            }
            PlanEvent::PlanItemUrgencyRaised {
                owner,
                item_id,
                urgency,
                ..
            } => {
                let raised = |code: &ItemCode| {
                    crate::ids::PlanItemId::of_code(owner, code.code()) == item_id
                };
                if let Some((_, held)) = self.items.iter_mut().find(|(code, _)| raised(code)) {
                    *held = urgency;
                }
            }
        }
    }
}
