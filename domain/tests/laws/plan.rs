//! A member's plan: any order of additions (PLN-9, PLN-11, 6.3).

use chrono::{DateTime, Duration, Utc};
use domain::ids::{AlertId, PlanItemId, UserId};
use domain::plan::{AddPlanItem, Because, ItemCode, Plan, PlanCommand, PlanEvent, Urgency};
use proptest::prelude::*;
use std::collections::BTreeMap;

use crate::{answer, id};

fn item() -> impl Strategy<Value = (ItemCode, Urgency, i64)> {
    let code = prop::sample::select(vec![ItemCode::CompleteAssessment, ItemCode::ReviewAlerts]);
    let urgency = prop::sample::select(vec![Urgency::First, Urgency::Second, Urgency::Third]);
    (code, urgency, 0i64..30 * 24)
}

fn add(code: ItemCode, urgency: Urgency, at: DateTime<Utc>) -> PlanCommand {
    PlanCommand::AddItem(AddPlanItem {
        owner: id(1),
        code,
        urgency,
        because: Because::Alert(AlertId::of_cause("match:2")),
        at,
    })
}

proptest! {
    #[test]
    fn an_item_stands_once_and_grows_only_more_urgent_and_is_due_no_later(
        items in prop::collection::vec(item(), 1..30),
    ) {
        let owner: UserId = id(1);
        let mut history = Vec::new();
        let mut held = BTreeMap::<ItemCode, (Urgency, DateTime<Utc>)>::new();
        let mut now = DateTime::UNIX_EPOCH;
        for (code, urgency, hours) in items {
            now += Duration::hours(hours);
            let facts = answer::<Plan>(&history, add(code, urgency, now)).unwrap();
            prop_assert!(facts.len() <= 1);
            for fact in &facts {
                let (item, soon, due) = match fact {
                    PlanEvent::PlanItemAdded { item_id, code: added, urgency, due_at, .. } => {
                        prop_assert_eq!((*added, held.get(&code)), (code, None));
                        prop_assert_eq!(*due_at, now + Duration::days(urgency.days().into()));
                        (*item_id, *urgency, *due_at)
                    }
                    PlanEvent::PlanItemUrgencyRaised { item_id, urgency, due_at, .. } => {
                        let before = held[&code];
                        prop_assert!(*urgency < before.0 && *due_at <= before.1);
                        (*item_id, *urgency, *due_at)
                    }
                };
                prop_assert_eq!(item, PlanItemId::of_code(owner, code.code()));
                prop_assert_eq!(soon, urgency);
                held.insert(code, (soon, due));
            }
            history.extend(facts);
            prop_assert!(held[&code].0 <= urgency, "6.3: as urgent as its gravest cause");
        }
    }

    #[test]
    fn the_order_of_causes_does_not_change_how_urgent_an_item_is(
        urgencies in prop::collection::vec(1u8..=3, 1..6),
    ) {
        let final_urgency = |order: &[u8]| {
            let (mut history, mut last) = (Vec::new(), None);
            for number in order {
                let urgency = Urgency::try_from(*number).unwrap();
                let command = add(ItemCode::ReviewAlerts, urgency, DateTime::UNIX_EPOCH);
                for fact in answer::<Plan>(&history, command).unwrap() {
                    last = Some(urgency);
                    history.push(fact);
                }
            }
            last.map(u8::from)
        };
        let mut backwards = urgencies.clone();
        backwards.reverse();
        prop_assert_eq!(final_urgency(&urgencies), urgencies.iter().copied().min());
        prop_assert_eq!(final_urgency(&backwards), urgencies.iter().copied().min());
    }
}

#[test]
fn a_code_is_written_as_its_name_in_the_log() {
    // Section 6: the code never changes
    for code in [ItemCode::CompleteAssessment, ItemCode::ReviewAlerts] {
        assert_eq!(serde_json::to_value(code).unwrap(), code.code());
    }
}
