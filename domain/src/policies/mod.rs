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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_id_never_changes_between_releases() {
        // The log holds ids made this way: a renamed policy would act a second time on every old event.
        let ids = POLICIES.map(|(policy, _)| command_id(policy, Uuid::from_u128(7)).to_string());
        assert_eq!(
            ids,
            [
                "ae1edc6e-4510-555a-bc45-b19c88cfd094",
                "5a1ea544-dc8e-5a17-af7d-8ca185104b35",
                "11829714-6dc3-5d3d-85c3-5842b235d512"
            ]
        );
    }
}
