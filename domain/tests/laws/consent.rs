//! Consent: any order of wishes (CON-1, CON-2).

use chrono::DateTime;
use domain::user::{ChangeConsent, Purpose, RegisterUser, User, UserCommand, UserEvent};
use proptest::prelude::*;
use std::collections::BTreeMap;

use crate::{answer, id, state};

fn register() -> UserCommand {
    UserCommand::Register(RegisterUser {
        user_id: id(1),
        email: "ana@example.test".to_owned().into(),
        registered_at: DateTime::UNIX_EPOCH,
    })
}

fn change(purpose: Purpose, granted: bool) -> UserCommand {
    UserCommand::ChangeConsent(ChangeConsent {
        user_id: id(1),
        purpose,
        granted,
        text_version: domain::user::TextVersion::parse("settings-1").unwrap(),
        at: DateTime::UNIX_EPOCH,
    })
}

/// A wish of hers, or another first request.
fn wish() -> impl Strategy<Value = Option<(Purpose, bool)>> {
    let purpose = prop::sample::select(&Purpose::ALL[..]);
    prop::option::weighted(0.8, (purpose, any::<bool>()))
}

proptest! {
    #[test]
    fn she_agrees_to_what_she_said_last_and_to_nothing_else(
        wishes in prop::collection::vec(wish(), 0..40),
    ) {
        let mut history = answer::<User>(&[], register()).unwrap();
        let mut agreed = BTreeMap::from([
            (Purpose::WebImageSearch, "signup-1"),
            (Purpose::BreachLookup, "signup-1"),
        ]);
        for wish in wishes {
            let (command, changes) = match wish {
                None => (register(), false),
                // CON-2: agreeing to a newer text is a fact of its own.
                Some((purpose, true)) => {
                    let before = agreed.insert(purpose, "settings-1");
                    (change(purpose, true), before != Some("settings-1"))
                }
                Some((purpose, false)) => {
                    let held = agreed.remove(&purpose).is_some();
                    (change(purpose, false), held)
                }
            };
            let facts = answer::<User>(&history, command).unwrap();
            prop_assert_eq!(facts.len(), usize::from(changes));
            history.extend(facts);
            let user: User = state(&history);
            for purpose in Purpose::ALL {
                prop_assert_eq!(user.agrees_to(purpose), agreed.contains_key(&purpose));
            }
        }
        let births = history.iter().filter(|fact| is_birth(fact)).count();
        prop_assert_eq!(births, 1, "USR-1");
    }
}

fn is_birth(fact: &UserEvent) -> bool {
    match fact {
        UserEvent::UserRegistered { .. } => true,
        UserEvent::ConsentGranted { .. }
        | UserEvent::ConsentWithdrawn { .. }
        | UserEvent::SubjectErased { .. } => false,
    }
}

#[test]
fn every_purpose_is_written_as_its_code() {
    // Section 4
    let codes = [
        "WEB_IMAGE_SEARCH",
        "FACE_SEARCH",
        "BREACH_LOOKUP",
        "ACCOUNT_MONITORING",
    ];
    for (purpose, code) in Purpose::ALL.into_iter().zip(codes) {
        assert_eq!(purpose.code(), code);
        assert_eq!(serde_json::to_value(purpose).unwrap(), code);
    }
    assert!(serde_json::from_str::<Purpose>("\"EVERYTHING\"").is_err());
}
