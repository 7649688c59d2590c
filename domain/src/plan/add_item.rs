//! AddPlanItem -> PlanItemAdded, once for each code; PlanItemUrgencyRaised when a graver cause comes.

use super::{Because, ItemCode, Plan, PlanEvent, Urgency};
use crate::ids::{PlanItemId, UserId};
use chrono::{DateTime, Days, Utc};

/// Put something on the list.
#[derive(Debug, Clone)]
pub struct AddPlanItem {
    /// Whose plan.
    pub owner: UserId,
    /// What it is about.
    pub code: ItemCode,
    /// How soon.
    pub urgency: Urgency,
    /// What it follows from.
    pub because: Because,
    /// When.
    pub at: DateTime<Utc>,
}

pub(super) fn decide(plan: &Plan, ask: AddPlanItem) -> Vec<PlanEvent> {
    let AddPlanItem {
        owner,
        code,
        urgency,
        because,
        at,
    } = ask;
    let item_id = PlanItemId::of_code(owner, code.code());
    let due_at = at
        .checked_add_days(Days::new(urgency.days().into()))
        .unwrap_or(at);
    match plan.items.get(&code) {
        None => {
            let added_at = at;
            vec![PlanEvent::PlanItemAdded {
                owner,
                item_id,
                code,
                urgency,
                due_at,
                because,
                added_at,
            }]
        }
        Some(held) if urgency < *held => {
            let raised_at = at;
            vec![PlanEvent::PlanItemUrgencyRaised {
                owner,
                item_id,
                urgency,
                due_at,
                because,
                raised_at,
            }]
        }
        Some(_) => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::super::PlanCommand;
    use super::*;
    use crate::ids::AlertId;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn review(urgency: Urgency, cause: &str) -> AddPlanItem {
        AddPlanItem {
            owner: Uuid::from_u128(1).into(),
            code: ItemCode::ReviewAlerts,
            urgency,
            because: Because::Alert(AlertId::of_cause(cause)),
            at: DateTime::UNIX_EPOCH,
        }
    }

    fn added(urgency: Urgency) -> PlanEvent {
        decide(&Plan::default(), review(urgency, "match:1")).remove(0)
    }

    #[test]
    fn an_item_is_due_as_its_urgency_says() {
        // PLN-9
        for (urgency, day) in [
            (Urgency::First, 4),
            (Urgency::Second, 15),
            (Urgency::Third, 31),
        ] {
            let PlanEvent::PlanItemAdded { due_at, .. } = added(urgency) else {
                panic!("added")
            };
            assert_eq!(
                due_at.to_rfc3339(),
                format!("1970-01-{day:02}T00:00:00+00:00")
            );
        }
    }

    #[test]
    fn an_item_stands_on_the_list_once() {
        // PLN-11: merged by code
        TestFramework::<Plan>::with(())
            .given(vec![added(Urgency::First)])
            .when(PlanCommand::AddItem(review(Urgency::Second, "match:2")))
            .then_expect_events(vec![]);
    }

    #[test]
    fn a_graver_alert_makes_the_item_more_urgent() {
        // 6.3: REVIEW_ALERTS is 1 if an open alert is HIGH or CRITICAL, else 2
        let graver = review(Urgency::First, "match:2");
        let item_id = PlanItemId::of_code(graver.owner, "REVIEW_ALERTS");
        let raised = PlanEvent::PlanItemUrgencyRaised {
            owner: graver.owner,
            item_id,
            urgency: Urgency::First,
            due_at: DateTime::UNIX_EPOCH + chrono::Duration::days(3),
            because: Because::Alert(AlertId::of_cause("match:2")),
            raised_at: DateTime::UNIX_EPOCH,
        };
        let ask = || PlanCommand::AddItem(review(Urgency::First, "match:2"));
        TestFramework::<Plan>::with(())
            .given(vec![added(Urgency::Second)])
            .when(ask())
            .then_expect_events(vec![raised.clone()]);
        TestFramework::<Plan>::with(())
            .given(vec![added(Urgency::Second), raised])
            .when(ask())
            .then_expect_events(vec![]);
    }
}
