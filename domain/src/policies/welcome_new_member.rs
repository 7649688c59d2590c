//! When UserRegistered, AddPlanItem COMPLETE_ASSESSMENT (USR-3).

use super::Reaction;
use crate::event::Event;
use crate::plan::{AddPlanItem, Because, ItemCode, Urgency};
use crate::user::UserEvent;

pub(super) fn react(event: &Event) -> Option<Reaction> {
    let Event::User(UserEvent::UserRegistered {
        user_id,
        registered_at,
        ..
    }) = event
    else {
        return None;
    };
    Some(Reaction::AddPlanItem(AddPlanItem {
        owner: *user_id,
        code: ItemCode::CompleteAssessment,
        urgency: Urgency::First,
        because: Because::Joined,
        at: *registered_at,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Purpose;
    use chrono::DateTime;
    use uuid::Uuid;

    #[test]
    fn a_new_member_owns_a_starter_plan_with_one_item() {
        // USR-3
        let joined = Event::User(UserEvent::UserRegistered {
            user_id: Uuid::from_u128(1).into(),
            email: "ana@example.test".to_owned().into(),
            registered_at: DateTime::UNIX_EPOCH,
        });
        let Some(Reaction::AddPlanItem(ask)) = react(&joined) else {
            panic!("a plan item")
        };
        assert_eq!(
            (ask.code, ask.urgency),
            (ItemCode::CompleteAssessment, Urgency::First)
        );
    }

    #[test]
    fn a_consent_adds_nothing_to_the_plan() {
        let consent = Event::User(UserEvent::ConsentGranted {
            user_id: Uuid::from_u128(1).into(),
            purpose: Purpose::FaceSearch,
            text_version: "face-1".to_owned(),
            granted_at: DateTime::UNIX_EPOCH,
        });
        assert!(react(&consent).is_none());
    }

    #[test]
    fn the_first_item_follows_from_joining_at_the_time_of_joining() {
        // PLN-16, and the promise of the policies: no clock of their own
        let at = DateTime::UNIX_EPOCH + chrono::Duration::days(400);
        let joined = Event::User(UserEvent::UserRegistered {
            user_id: Uuid::from_u128(2).into(),
            email: crate::Personal::Erased,
            registered_at: at,
        });
        let Some(Reaction::AddPlanItem(ask)) = react(&joined) else {
            panic!("a plan item")
        };
        assert_eq!(ask.owner, Uuid::from_u128(2).into());
        assert_eq!((ask.because, ask.at), (Because::Joined, at));
    }

    #[test]
    fn a_withdrawn_consent_adds_nothing_to_the_plan() {
        let withdrawn = Event::User(UserEvent::ConsentWithdrawn {
            user_id: Uuid::from_u128(1).into(),
            purpose: Purpose::WebImageSearch,
            text_version: "settings-1".to_owned(),
            withdrawn_at: DateTime::UNIX_EPOCH,
        });
        assert!(react(&withdrawn).is_none());
    }
}
