//! RegisterUser -> UserRegistered and the consents that are on at signup, once for each identity; never again after
//! an erasure (USR-5).

use super::{Purpose, User, UserEvent, UserRefusal};
use crate::{Personal, ids::UserId};
use chrono::{DateTime, Utc};

/// Version of the consent text that signup shows (CON-2).
pub const SIGNUP_TEXT_VERSION: &str = "signup-1";

/// The purposes that are on at signup and can be withdrawn (section 4 of the rules).
const ON_AT_SIGNUP: [Purpose; 2] = [Purpose::WebImageSearch, Purpose::BreachLookup];

/// Let the person whom the identity provider vouches for come into being.
#[derive(Debug, Clone)]
pub struct RegisterUser {
    /// The provider's id of her.
    pub user_id: UserId,
    /// The address she signs in with.
    pub email: Personal<String>,
    /// When she was first seen.
    pub registered_at: DateTime<Utc>,
}

pub(super) fn decide(user: &User, ask: RegisterUser) -> Result<Vec<UserEvent>, UserRefusal> {
    match user {
        User::Erased => Err(UserRefusal::Erased),
        User::Member { .. } => Ok(vec![]),
        User::Unknown => {
            let RegisterUser {
                user_id,
                email,
                registered_at,
            } = ask;
            let registered = UserEvent::UserRegistered {
                user_id,
                email,
                registered_at,
            };
            let consents = ON_AT_SIGNUP.map(|purpose| UserEvent::ConsentGranted {
                user_id,
                purpose,
                text_version: SIGNUP_TEXT_VERSION.to_owned(),
                granted_at: registered_at,
            });
            Ok(std::iter::once(registered).chain(consents).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::UserCommand;
    use super::*;
    use cqrs_es::test::TestFramework;
    use uuid::Uuid;

    fn ana() -> RegisterUser {
        RegisterUser {
            user_id: Uuid::from_u128(1).into(),
            email: "ana@example.test".to_owned().into(),
            registered_at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_new_member_agrees_to_search_and_breach_lookup_but_not_to_face_search() {
        // USR-1, section 4
        let events = TestFramework::<User>::with(())
            .given_no_previous_events()
            .when(UserCommand::Register(ana()))
            .inspect_result()
            .unwrap();
        let mut user = User::default();
        events
            .into_iter()
            .for_each(|e| cqrs_es::Aggregate::apply(&mut user, e));
        assert!(user.agrees_to(Purpose::WebImageSearch));
        assert!(user.agrees_to(Purpose::BreachLookup));
        assert!(!user.agrees_to(Purpose::FaceSearch));
        assert!(!user.agrees_to(Purpose::AccountMonitoring));
    }

    #[test]
    fn a_member_who_is_seen_again_stays_one_member() {
        // USR-1: ten simultaneous first requests create one user and none of them fails
        let RegisterUser {
            user_id,
            email,
            registered_at,
        } = ana();
        TestFramework::<User>::with(())
            .given(vec![UserEvent::UserRegistered {
                user_id,
                email,
                registered_at,
            }])
            .when(UserCommand::Register(ana()))
            .then_expect_events(vec![]);
    }

    #[test]
    fn she_exists_before_she_agrees_and_the_text_she_saw_is_on_record() {
        // USR-1, CON-2
        let RegisterUser {
            user_id,
            email,
            registered_at,
        } = ana();
        let agreed = |purpose| UserEvent::ConsentGranted {
            user_id,
            purpose,
            text_version: "signup-1".to_owned(),
            granted_at: registered_at,
        };
        TestFramework::<User>::with(())
            .given_no_previous_events()
            .when(UserCommand::Register(ana()))
            .then_expect_events(vec![
                UserEvent::UserRegistered {
                    user_id,
                    email,
                    registered_at,
                },
                agreed(Purpose::WebImageSearch),
                agreed(Purpose::BreachLookup),
            ]);
    }

    #[test]
    fn being_seen_again_never_gives_back_a_consent_that_she_withdrew() {
        // CON-2: only she changes what she agrees to
        let withdrawn = ON_AT_SIGNUP.map(|purpose| UserEvent::ConsentWithdrawn {
            user_id: ana().user_id,
            purpose,
            text_version: "settings-1".to_owned(),
            withdrawn_at: DateTime::UNIX_EPOCH,
        });
        TestFramework::<User>::with(())
            .given(decide(&User::Unknown, ana()).unwrap())
            .and(withdrawn.to_vec())
            .when(UserCommand::Register(ana()))
            .then_expect_events(vec![]);
    }

    #[test]
    fn another_address_of_the_same_identity_makes_no_second_member() {
        // USR-1: the identity is the `sub` of the token, not the address
        let moved = RegisterUser {
            email: "ana@elsewhere.test".to_owned().into(),
            ..ana()
        };
        TestFramework::<User>::with(())
            .given(decide(&User::Unknown, ana()).unwrap())
            .when(UserCommand::Register(moved))
            .then_expect_events(vec![]);
    }

    #[test]
    fn neither_the_command_nor_the_fact_prints_her_address() {
        // AUD-5
        let printed = format!("{:?} {:?}", ana(), decide(&User::Unknown, ana()).unwrap());
        assert!(!printed.contains("ana@"), "{printed}");
    }
}
