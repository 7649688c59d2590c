//! ChangeConsent -> ConsentGranted or ConsentWithdrawn; saying the same again changes nothing, agreeing to a newer
//! text is a fact of its own (CON-2).

use super::{Purpose, TextVersion, User, UserEvent, UserRefusal};
use crate::ids::UserId;
use chrono::{DateTime, Utc};

/// Grant or withdraw one purpose.
#[derive(Debug, Clone)]
pub struct ChangeConsent {
    /// Whose consent.
    pub user_id: UserId,
    /// What for.
    pub purpose: Purpose,
    /// Whether she agrees from now on.
    pub granted: bool,
    /// Version of the text she was shown (CON-2).
    pub text_version: TextVersion,
    /// When.
    pub at: DateTime<Utc>,
}

pub(super) fn decide(user: &User, ask: ChangeConsent) -> Result<Vec<UserEvent>, UserRefusal> {
    let consents = match user {
        User::Unknown => return Err(UserRefusal::Unknown),
        User::Erased => return Err(UserRefusal::Erased),
        User::Member { consents } => consents,
    };
    let ChangeConsent {
        user_id,
        purpose,
        granted,
        text_version,
        at,
    } = ask;
    let held = consents.get(&purpose);
    let same_text = held.is_some_and(|held| held == text_version.as_str());
    let text_version = text_version.as_str().to_owned();
    Ok(match (held, granted) {
        (None, false) => vec![],
        (Some(_), true) if same_text => vec![],
        (None | Some(_), true) => {
            vec![UserEvent::ConsentGranted {
                user_id,
                purpose,
                text_version,
                granted_at: at,
            }]
        }
        (Some(_), false) => {
            vec![UserEvent::ConsentWithdrawn {
                user_id,
                purpose,
                text_version,
                withdrawn_at: at,
            }]
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::UserCommand;
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn ana() -> UserId {
        Uuid::from_u128(1).into()
    }

    fn registered() -> Vec<UserEvent> {
        let email = "ana@example.test".to_owned().into();
        vec![UserEvent::UserRegistered {
            user_id: ana(),
            email,
            registered_at: DateTime::UNIX_EPOCH,
        }]
    }

    fn says(granted: bool) -> UserCommand {
        UserCommand::ChangeConsent(ChangeConsent {
            user_id: ana(),
            purpose: Purpose::FaceSearch,
            granted,
            text_version: TextVersion::parse("face-1").unwrap(),
            at: DateTime::UNIX_EPOCH,
        })
    }

    fn granted() -> UserEvent {
        UserEvent::ConsentGranted {
            user_id: ana(),
            purpose: Purpose::FaceSearch,
            text_version: "face-1".to_owned(),
            granted_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn consent_is_recorded_with_the_text_she_was_shown() {
        // CON-2
        TestFramework::<User>::with(())
            .given(registered())
            .when(says(true))
            .then_expect_events(vec![granted()]);
    }

    #[test]
    fn consent_given_twice_is_one_fact() {
        TestFramework::<User>::with(())
            .given([registered(), vec![granted()]].concat())
            .when(says(true))
            .then_expect_events(vec![]);
    }

    #[test]
    fn agreeing_to_a_newer_text_is_a_fact_of_its_own() {
        // CON-2: the version of the text shown
        let newer = wish(Purpose::FaceSearch, true);
        TestFramework::<User>::with(())
            .given([registered(), vec![granted()]].concat())
            .when(UserCommand::ChangeConsent(newer))
            .then_expect_events(vec![UserEvent::ConsentGranted {
                user_id: ana(),
                purpose: Purpose::FaceSearch,
                text_version: "settings-1".to_owned(),
                granted_at: DateTime::UNIX_EPOCH,
            }]);
    }

    #[test]
    fn consent_can_be_withdrawn() {
        // CON-2
        TestFramework::<User>::with(())
            .given([registered(), vec![granted()]].concat())
            .when(says(false))
            .then_expect_events(vec![UserEvent::ConsentWithdrawn {
                user_id: ana(),
                purpose: Purpose::FaceSearch,
                text_version: "face-1".to_owned(),
                withdrawn_at: DateTime::UNIX_EPOCH,
            }]);
    }

    #[test]
    fn an_unknown_account_cannot_agree_to_anything() {
        TestFramework::<User>::with(())
            .given_no_previous_events()
            .when(says(true))
            .then_expect_error(UserRefusal::Unknown);
    }

    fn wish(purpose: Purpose, granted: bool) -> ChangeConsent {
        ChangeConsent {
            user_id: ana(),
            purpose,
            granted,
            text_version: TextVersion::parse("settings-1").unwrap(),
            at: DateTime::UNIX_EPOCH,
        }
    }

    fn member(consents: &[Purpose]) -> User {
        User::Member {
            consents: consents
                .iter()
                .map(|purpose| (*purpose, "settings-1".to_owned()))
                .collect(),
        }
    }

    #[test]
    fn an_unknown_account_has_nothing_to_grant_or_to_withdraw() {
        for purpose in Purpose::ALL {
            for granted in [true, false] {
                let answer = decide(&User::Unknown, wish(purpose, granted));
                assert_eq!(answer, Err(UserRefusal::Unknown), "{purpose:?} {granted}");
            }
        }
    }

    #[test]
    fn only_a_change_is_a_fact() {
        // CON-2, for each purpose in each state
        for purpose in Purpose::ALL {
            let table = [
                (member(&[]), true, 1),
                (member(&[]), false, 0),
                (member(&Purpose::ALL), true, 0),
                (member(&Purpose::ALL), false, 1),
            ];
            for (user, granted, facts) in table {
                let events = decide(&user, wish(purpose, granted)).unwrap();
                assert_eq!(events.len(), facts, "{user:?} {purpose:?} {granted}");
            }
        }
    }

    #[test]
    fn withdrawing_one_purpose_leaves_the_others_as_they_were() {
        // Section 4: each purpose stands alone
        for purpose in Purpose::ALL {
            let mut user = member(&Purpose::ALL);
            for event in decide(&user, wish(purpose, false)).unwrap() {
                cqrs_es::Aggregate::apply(&mut user, event);
            }
            for other in Purpose::ALL {
                assert_eq!(user.agrees_to(other), other != purpose, "{other:?}");
            }
        }
    }

    #[test]
    fn what_was_withdrawn_can_be_granted_again() {
        // CON-2
        let withdrawn = decide(
            &member(&[Purpose::FaceSearch]),
            wish(Purpose::FaceSearch, false),
        );
        TestFramework::<User>::with(())
            .given([registered(), vec![granted()], withdrawn.unwrap()].concat())
            .when(says(true))
            .then_expect_events(vec![granted()]);
    }

    #[test]
    fn a_consent_without_an_account_gives_no_right_to_anything() {
        // CON-1: nothing may be sent out on the strength of a fact about nobody
        let mut nobody = User::default();
        cqrs_es::Aggregate::apply(&mut nobody, granted());
        assert!(
            Purpose::ALL
                .iter()
                .all(|purpose| !nobody.agrees_to(*purpose))
        );
    }
}
