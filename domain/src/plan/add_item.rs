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
        Some(held) if urgency < held.urgency => {
            let raised_at = at;
            // What became more urgent is never due later than it was.
            let due_at = due_at.min(held.due_at);
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

    const URGENCIES: [Urgency; 3] = [Urgency::First, Urgency::Second, Urgency::Third];

    fn on(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::Duration::days(day)
    }

    fn after(history: Vec<PlanEvent>) -> Plan {
        let mut plan = Plan::default();
        history
            .into_iter()
            .for_each(|event| cqrs_es::Aggregate::apply(&mut plan, event));
        plan
    }

    #[test]
    fn urgency_only_ever_goes_up() {
        // 6.3: an alert that is less grave does not take the graver one back
        for held in URGENCIES {
            for asked in URGENCIES {
                let facts = decide(&after(vec![added(held)]), review(asked, "match:2"));
                assert_eq!(!facts.is_empty(), asked < held, "{held:?} then {asked:?}");
            }
        }
    }

    #[test]
    fn an_item_that_became_more_urgent_is_never_due_later_than_it_was() {
        // PLN-9: raised on day 13, an item due on day 14 is not put off to day 16
        let late = AddPlanItem {
            at: on(13),
            ..review(Urgency::First, "match:2")
        };
        let raised = decide(&after(vec![added(Urgency::Second)]), late);
        let [PlanEvent::PlanItemUrgencyRaised { due_at, .. }] = raised.as_slice() else {
            panic!("raised: {raised:?}")
        };
        assert_eq!(*due_at, on(14));
    }

    #[test]
    fn an_item_climbs_one_step_at_a_time_or_all_at_once() {
        let step = |plan: &Plan, urgency| decide(plan, review(urgency, "match:2")).remove(0);
        let third = after(vec![added(Urgency::Third)]);
        let second = after(vec![added(Urgency::Third), step(&third, Urgency::Second)]);
        let by_steps = after(vec![
            added(Urgency::Third),
            step(&third, Urgency::Second),
            step(&second, Urgency::First),
        ]);
        let at_once = after(vec![added(Urgency::Third), step(&third, Urgency::First)]);
        assert_eq!(by_steps, at_once);
        assert_eq!(decide(&by_steps, review(Urgency::First, "match:3")), vec![]);
    }

    #[test]
    fn an_item_is_due_at_the_time_of_day_at_which_it_was_added() {
        // PLN-9: same time of day, UTC, over the end of a month and of a year
        let table = [
            ("2028-02-27T23:59:59.999Z", "2028-03-01T23:59:59.999Z"),
            ("2026-12-30T00:00:00.000Z", "2027-01-02T00:00:00.000Z"),
            ("2026-03-28T01:30:00.000Z", "2026-03-31T01:30:00.000Z"),
        ];
        for (at, due) in table {
            let ask = AddPlanItem {
                at: at.parse().unwrap(),
                ..review(Urgency::First, "match:1")
            };
            let events = decide(&Plan::default(), ask);
            let [PlanEvent::PlanItemAdded { due_at, .. }] = events.as_slice() else {
                panic!("added: {events:?}")
            };
            assert_eq!(*due_at, due.parse::<DateTime<Utc>>().unwrap(), "{at}");
        }
    }

    #[test]
    fn a_day_after_the_end_of_the_calendar_breaks_nothing() {
        let ask = AddPlanItem {
            at: DateTime::<Utc>::MAX_UTC,
            ..review(Urgency::Third, "match:1")
        };
        assert_eq!(decide(&Plan::default(), ask).len(), 1);
    }

    #[test]
    fn two_items_do_not_touch_each_other() {
        // PLN-11: merged by code, and by nothing else
        let welcome = AddPlanItem {
            code: ItemCode::CompleteAssessment,
            because: Because::Joined,
            ..review(Urgency::First, "")
        };
        let plan = after(decide(&Plan::default(), welcome.clone()));
        assert_eq!(decide(&plan, review(Urgency::First, "match:1")).len(), 1);
        assert_eq!(decide(&plan, welcome), vec![]);
    }
}
