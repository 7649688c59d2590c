//! The system's own habits: when this happened, do that. Pure, without memory; one file each.
//!
//! The time of what follows is the time of what caused it, and its command id is computed from the
//! causing event and the policy's name, so that a redelivered event finds the work done.

mod alert_on_match;
mod plan_from_alert;
mod welcome_new_member;

use crate::alert::RaiseAlert;
use crate::event::Event;
use crate::plan::AddPlanItem;
use uuid::Uuid;

/// What a policy asks for.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// Tell her about a finding.
    RaiseAlert(Box<RaiseAlert>),
    /// Put something on her list.
    AddPlanItem(AddPlanItem),
}

/// One habit: its name and its rule.
pub type Policy = (&'static str, fn(&Event) -> Option<Reaction>);

/// All habits, in the order in which they are asked.
pub const POLICIES: [Policy; 3] = [
    ("alert_on_match", alert_on_match::react),
    ("plan_from_alert", plan_from_alert::react),
    ("welcome_new_member", welcome_new_member::react),
];

/// The command id of what a policy does about one event: the same event, the same id.
#[must_use]
pub fn command_id(policy: &str, cause: Uuid) -> Uuid {
    crate::ids::named("reaction", &[policy, &cause.to_string()])
}
