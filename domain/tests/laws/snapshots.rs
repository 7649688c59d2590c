//! Snapshots of every noun: a state that was written down and read again goes on as if it had never been away.

use crate::golden::{Golden, catalogue};
use cqrs_es::Aggregate;
use domain::Event;
use domain::alert::Alert;
use domain::hash_case::HashCases;
use domain::image::Library;
use domain::matches::Match;
use domain::plan::Plan;
use domain::scan::ScanSlot;
use domain::user::User;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::Value;
use std::fmt::Debug;
use uuid::Uuid;

/// Which fact of a noun happens, about which of a few ids.
type Turn = (prop::sample::Index, u128);

/// Changes every id in a payload, the same way each time.
fn about(payload: &mut Value, other: u128) {
    match payload {
        Value::Object(fields) => fields.values_mut().for_each(|value| about(value, other)),
        Value::Array(items) => items.iter_mut().for_each(|value| about(value, other)),
        Value::String(text) => {
            if let Ok(id) = text.parse::<Uuid>() {
                *text = Uuid::from_u128(id.as_u128() ^ other).to_string();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn history<E>(noun: &str, turns: &[Turn], own: impl Fn(Event) -> Option<E>) -> Vec<E> {
    let facts: Vec<Golden> = (catalogue().into_iter())
        .filter(|fact| fact.noun == noun)
        .collect();
    let event = |(which, other): &Turn| {
        let mut fact = which.get(&facts).clone();
        about(&mut fact.payload, *other);
        own(fact.event()).unwrap()
    };
    turns.iter().map(event).collect()
}

/// From zero, and with a snapshot at the cut.
fn law<A: Aggregate + Debug + PartialEq>(history: &[A::Event], cut: usize) -> TestCaseResult {
    let (before, tail) = history.split_at(cut);
    let written = serde_json::to_vec(&crate::state::<A>(before)).unwrap();
    let mut state: A = serde_json::from_slice(&written).unwrap();
    tail.iter().for_each(|event| state.apply(event.clone()));
    prop_assert_eq!(state, crate::state::<A>(history));
    Ok(())
}

/// The events of one noun.
macro_rules! own {
    ($noun:ident) => {
        |event| {
            if let Event::$noun(event) = event {
                Some(event)
            } else {
                None
            }
        }
    };
}

proptest! {
    #[test]
    fn a_snapshot_and_the_events_after_it_make_the_state_that_all_events_make(
        turns in prop::collection::vec((any::<prop::sample::Index>(), 0u128..4), 0..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(turns.len() + 1);
        law::<User>(&history("user", &turns, own!(User)), cut)?;
        law::<Library>(&history("image", &turns, own!(Image)), cut)?;
        law::<ScanSlot>(&history("scan", &turns, own!(Scan)), cut)?;
        law::<Match>(&history("match", &turns, own!(Match)), cut)?;
        law::<Alert>(&history("alert", &turns, own!(Alert)), cut)?;
        law::<Plan>(&history("plan", &turns, own!(Plan)), cut)?;
        law::<HashCases>(&history("hash_case", &turns, own!(HashCase)), cut)?;
    }
}
