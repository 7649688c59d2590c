//! ChangeConsent -> ConsentGranted or ConsentWithdrawn; saying the same again changes nothing.

use super::{Purpose, User, UserEvent, UserRefusal};
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
    pub text_version: String,
    /// When.
    pub at: DateTime<Utc>,
}

pub(super) fn decide(user: &User, ask: ChangeConsent) -> Result<Vec<UserEvent>, UserRefusal> {
    let User::Member { consents } = user else {
        return Err(UserRefusal::Unknown);
    };
    let ChangeConsent {
        user_id,
        purpose,
        granted,
        text_version,
        at,
    } = ask;
    Ok(match (consents.contains(&purpose), granted) {
        (true, true) | (false, false) => vec![],
        (false, true) => {
            vec![UserEvent::ConsentGranted {
                user_id,
                purpose,
                text_version,
                granted_at: at,
            }]
        }
        (true, false) => {
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
            text_version: "face-1".to_owned(),
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
}
