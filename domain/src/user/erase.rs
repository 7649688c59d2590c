//! EraseSubject -> SubjectErased, once for each account; saying it again changes nothing (AUD-4).

use super::{User, UserEvent, UserRefusal};
use crate::ids::{ErasureId, UserId};
use chrono::{DateTime, Utc};

/// End an account: from here on nothing may be asked of it, and her key may be destroyed (AUD-2, AUD-4).
#[derive(Debug, Clone)]
pub struct EraseSubject {
    /// Whose account.
    pub user_id: UserId,
    /// The id under which the work of erasing is found again.
    pub erasure_id: ErasureId,
    /// When it was accepted.
    pub erased_at: DateTime<Utc>,
}

pub(super) fn decide(user: &User, ask: EraseSubject) -> Result<Vec<UserEvent>, UserRefusal> {
    match user {
        User::Unknown => Err(UserRefusal::Unknown),
        User::Erased => Ok(vec![]),
        User::Member { .. } => {
            let EraseSubject {
                user_id,
                erasure_id,
                erased_at,
            } = ask;
            Ok(vec![UserEvent::SubjectErased {
                user_id,
                erasure_id,
                erased_at,
            }])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ChangeConsent, Purpose, RegisterUser, TextVersion, UserCommand};
    use super::*;
    use cqrs_es::Aggregate;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn ana() -> UserId {
        Uuid::from_u128(1).into()
    }

    fn registered() -> Vec<UserEvent> {
        vec![UserEvent::UserRegistered {
            user_id: ana(),
            email: "ana@example.test".to_owned().into(),
            registered_at: DateTime::UNIX_EPOCH,
        }]
    }

    fn erased(erasure: u128) -> UserEvent {
        UserEvent::SubjectErased {
            user_id: ana(),
            erasure_id: Uuid::from_u128(erasure).into(),
            erased_at: DateTime::UNIX_EPOCH,
        }
    }

    fn erase(erasure: u128) -> UserCommand {
        UserCommand::Erase(EraseSubject {
            user_id: ana(),
            erasure_id: Uuid::from_u128(erasure).into(),
            erased_at: DateTime::UNIX_EPOCH,
        })
    }

    #[test]
    fn a_member_can_end_her_account() {
        // AUD-4
        TestFramework::<User>::with(())
            .given(registered())
            .when(erase(8))
            .then_expect_events(vec![erased(8)]);
    }

    #[test]
    fn an_account_ends_once_and_the_first_time_counts() {
        TestFramework::<User>::with(())
            .given([registered(), vec![erased(8)]].concat())
            .when(erase(9))
            .then_expect_events(vec![]);
    }

    #[test]
    fn an_unknown_account_cannot_end() {
        TestFramework::<User>::with(())
            .given_no_previous_events()
            .when(erase(8))
            .then_expect_error(UserRefusal::Unknown);
    }

    #[test]
    fn an_erased_account_never_comes_back() {
        // USR-5: the next request with a token that is still valid used to create her again
        TestFramework::<User>::with(())
            .given([registered(), vec![erased(8)]].concat())
            .when(UserCommand::Register(RegisterUser {
                user_id: ana(),
                email: "ana@example.test".to_owned().into(),
                registered_at: DateTime::UNIX_EPOCH,
            }))
            .then_expect_error(UserRefusal::Erased);
    }

    #[test]
    fn an_erased_account_agrees_to_nothing_and_cannot_agree_again() {
        // CON-1, CON-2
        for purpose in Purpose::ALL {
            for granted in [true, false] {
                TestFramework::<User>::with(())
                    .given([registered(), vec![erased(8)]].concat())
                    .when(UserCommand::ChangeConsent(ChangeConsent {
                        user_id: ana(),
                        purpose,
                        granted,
                        text_version: TextVersion::parse("settings-1").unwrap(),
                        at: DateTime::UNIX_EPOCH,
                    }))
                    .then_expect_error(UserRefusal::Erased);
            }
            assert!(!User::Erased.agrees_to(purpose), "{purpose:?}");
        }
    }

    #[test]
    fn nothing_that_is_read_after_the_end_makes_her_a_member_again() {
        let consent = UserEvent::ConsentGranted {
            user_id: ana(),
            purpose: Purpose::FaceSearch,
            text_version: "face-1".to_owned(),
            granted_at: DateTime::UNIX_EPOCH,
        };
        let mut user = User::default();
        for fact in [registered(), vec![erased(8), consent], registered()].concat() {
            user.apply(fact);
        }
        assert_eq!(user, User::Erased);
    }

    #[test]
    fn the_fact_holds_nothing_that_would_have_to_be_sealed() {
        // AUD-4: the skeleton is types, times and ids
        let written = serde_json::to_string(&erased(8)).unwrap();
        assert!(!written.contains(crate::personal::KNOWN), "{written}");
        assert!(!written.contains(crate::personal::ERASED), "{written}");
    }
}
