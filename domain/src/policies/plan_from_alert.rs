//! When AlertRaised, AddPlanItem REVIEW_ALERTS: urgent when the alert is HIGH or CRITICAL (6.3).

use super::Reaction;
use crate::alert::{AlertEvent, Severity};
use crate::event::Event;
use crate::plan::{AddPlanItem, Because, ItemCode, Urgency};

pub(super) fn react(event: &Event) -> Option<Reaction> {
    let Event::Alert(AlertEvent::AlertRaised {
        owner,
        alert_id,
        severity,
        raised_at,
        ..
    }) = event
    else {
        return None;
    };
    let urgency = match severity {
        Severity::High | Severity::Critical => Urgency::First,
        Severity::Info | Severity::Low | Severity::Medium => Urgency::Second,
    };
    Some(Reaction::AddPlanItem(AddPlanItem {
        owner: *owner,
        code: ItemCode::ReviewAlerts,
        urgency,
        because: Because::Alert(*alert_id),
        at: *raised_at,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{AlertKind, MatchFacts};
    use crate::ids::AlertId;
    use crate::{
        Personal, Share,
        matches::{MatchType, Tier},
    };
    use chrono::DateTime;
    use uuid::Uuid;

    fn raised(severity: Severity) -> Event {
        Event::Alert(AlertEvent::AlertRaised {
            owner: Uuid::from_u128(1).into(),
            alert_id: AlertId::of_cause("match:2"),
            kind: AlertKind::ImageMisuse,
            severity,
            title: Personal::Erased,
            description: Personal::Erased,
            about: MatchFacts {
                match_id: Uuid::from_u128(2).into(),
                image_id: Uuid::from_u128(3).into(),
                scan_id: Uuid::from_u128(4).into(),
                page: Personal::Erased,
                platform: None,
                similarity: Share::ONE,
                match_type: MatchType::Exact,
                tier: Tier::High,
                is_mock: false,
            },
            raised_at: DateTime::UNIX_EPOCH,
        })
    }

    #[test]
    fn an_alert_puts_reviewing_it_on_her_list() {
        // 6.3: urgency 1 if an open alert is HIGH or CRITICAL, else 2
        let table = [
            (Severity::Low, Urgency::Second),
            (Severity::Medium, Urgency::Second),
            (Severity::High, Urgency::First),
            (Severity::Critical, Urgency::First),
        ];
        for (severity, urgency) in table {
            let Some(Reaction::AddPlanItem(ask)) = react(&raised(severity)) else {
                panic!("a plan item")
            };
            assert_eq!((ask.code, ask.urgency), (ItemCode::ReviewAlerts, urgency));
            // PLN-16
            assert_eq!(ask.because, Because::Alert(AlertId::of_cause("match:2")));
        }
    }

    #[test]
    fn an_alert_that_is_good_to_know_makes_nothing_urgent() {
        // 6.3: 1 for HIGH and CRITICAL only
        let Some(Reaction::AddPlanItem(ask)) = react(&raised(Severity::Info)) else {
            panic!("a plan item")
        };
        assert_eq!(ask.urgency, Urgency::Second);
    }

    #[test]
    fn a_plan_item_adds_no_plan_item() {
        // A habit that answers itself would never end
        use crate::ids::PlanItemId;
        use crate::plan::PlanEvent;
        let owner = Uuid::from_u128(1).into();
        let added = Event::Plan(PlanEvent::PlanItemAdded {
            owner,
            item_id: PlanItemId::of_code(owner, "REVIEW_ALERTS"),
            code: ItemCode::ReviewAlerts,
            urgency: Urgency::First,
            due_at: DateTime::UNIX_EPOCH,
            because: Because::Alert(AlertId::of_cause("match:2")),
            added_at: DateTime::UNIX_EPOCH,
        });
        assert!(react(&added).is_none());
    }
}
