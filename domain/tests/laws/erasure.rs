//! Erasure: it is the end of every history, and nothing undoes it (AUD-4, USR-5).

use chrono::DateTime;
use domain::user::{
    ChangeConsent, EraseSubject, Purpose, RegisterUser, TextVersion, User, UserCommand, UserEvent,
    UserRefusal,
};
use proptest::prelude::*;

use crate::{answer, id, state};

#[derive(Debug, Clone, Copy)]
enum Wish {
    Register,
    Agree(Purpose, bool),
    Erase(u128),
}

fn command(wish: Wish) -> UserCommand {
    match wish {
        Wish::Register => UserCommand::Register(RegisterUser {
            user_id: id(1),
            email: "ana@example.test".to_owned().into(),
            registered_at: DateTime::UNIX_EPOCH,
        }),
        Wish::Agree(purpose, granted) => UserCommand::ChangeConsent(ChangeConsent {
            user_id: id(1),
            purpose,
            granted,
            text_version: TextVersion::parse("settings-1").unwrap(),
            at: DateTime::UNIX_EPOCH,
        }),
        Wish::Erase(erasure) => UserCommand::Erase(EraseSubject {
            user_id: id(1),
            erasure_id: id(erasure),
            erased_at: DateTime::UNIX_EPOCH,
        }),
    }
}

fn wish() -> impl Strategy<Value = Wish> {
    let agree = (prop::sample::select(&Purpose::ALL[..]), any::<bool>());
    prop_oneof![
        2 => Just(Wish::Register),
        4 => agree.prop_map(|(purpose, granted)| Wish::Agree(purpose, granted)),
        1 => any::<u128>().prop_map(Wish::Erase),
    ]
}

fn is_end(fact: &UserEvent) -> bool {
    match fact {
        UserEvent::SubjectErased { .. } => true,
        UserEvent::UserRegistered { .. }
        | UserEvent::ConsentGranted { .. }
        | UserEvent::ConsentWithdrawn { .. } => false,
    }
}

proptest! {
    #[test]
    fn an_erasure_is_the_last_fact_of_every_history(
        wishes in prop::collection::vec(wish(), 0..40),
    ) {
        let mut history: Vec<UserEvent> = Vec::new();
        for wish in wishes {
            let over = history.last().is_some_and(is_end);
            let told = answer::<User>(&history, command(wish));
            match (wish, over) {
                (Wish::Erase(_), true) => prop_assert_eq!(told.as_deref(), Ok(&[][..])),
                (Wish::Register | Wish::Agree(..), true) => {
                    prop_assert_eq!(&told, &Err(UserRefusal::Erased));
                }
                (Wish::Erase(_), false) if history.is_empty() => {
                    prop_assert_eq!(&told, &Err(UserRefusal::Unknown));
                }
                (Wish::Erase(_), false) => prop_assert_eq!(told.as_ref().map(Vec::len), Ok(1)),
                (Wish::Register | Wish::Agree(..), false) => {
                    prop_assert_ne!(&told, &Err(UserRefusal::Erased));
                }
            }
            history.extend(told.unwrap_or_default());
        }
        let ends = history.iter().filter(|fact| is_end(fact)).count();
        prop_assert!(ends <= 1, "once");
        prop_assert_eq!(ends == 1, history.last().is_some_and(is_end), "at the end");
        prop_assert_eq!(ends == 1, state::<User>(&history) == User::Erased);
    }

    #[test]
    fn after_an_erasure_she_agrees_to_nothing_whatever_she_agreed_to_before(
        purposes in prop::collection::vec(prop::sample::select(&Purpose::ALL[..]), 0..8),
    ) {
        let mut history = answer::<User>(&[], command(Wish::Register)).unwrap();
        for purpose in purposes {
            history.extend(answer::<User>(&history, command(Wish::Agree(purpose, true))).unwrap());
        }
        history.extend(answer::<User>(&history, command(Wish::Erase(8))).unwrap());
        let user: User = state(&history);
        prop_assert!(Purpose::ALL.iter().all(|purpose| !user.agrees_to(*purpose)));
    }
}
